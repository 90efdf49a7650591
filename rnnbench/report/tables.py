"""The tables of a report, as text for both templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import pandas as pd

from rnnbench.analysis.horizon import PASSING, Horizon
from rnnbench.experiment.choice import ALL_LAGS
from rnnbench.report import published, words
from rnnbench.report.data import Problem, ReportData, rows_of, step_milliseconds
from rnnbench.report.formatting import as_typed, count, flatten, listed, number, seeds_text, sentences, span

Cell = tuple[str, ...]
"""Lines of a cell: the first is the value, the others explain it."""


@dataclass(frozen=True)
class Table:
    """A caption, a head and rows of cells; the first column names the row."""

    caption: str
    head: list[str]
    rows: list[list[Cell]]


def horizon_table(data: ReportData) -> Table:
    """Memory horizon of each series, a row for each task and filler."""
    labels = list(dict.fromkeys(data.listed["series"]))
    rows = []
    for (problem, filler), block in data.horizons.groupby(["problem", "filler"], sort=False):
        table = data.summary[(data.summary["problem"] == problem) & (data.summary["filler"] == filler)]
        lags = sorted(int(lag) for lag in table["lag"].unique())
        by_series = {row["series"]: row for row in block.to_dict("records")}
        cells = [
            _horizon_cell(by_series[label], table[table["series"] == label], lags)
            if label in by_series
            else ("skipped" if (problem, filler, label) in data.skipped_series else "not run",)
            for label in labels
        ]
        low, high = int(block["n_low"].min()), int(block["n_high"].max())
        about = (f"lags {' '.join(map(str, lags))}", f"{seeds_text(low, high)} a point")
        rows.append([(f"{problem}, {filler} filler", *about), *cells])
    caption = (
        "Memory horizon: the longest lag at which at least half of the seeds solve the task, every shorter lag "
        "included. ≥: the longest lag tried; –: not even the shortest; ?: cannot be judged. "
        "One sign for each lag of the grid: ● solved by at least half of the seeds, ○ not, · not known"
        f"{' or skipped' if len(data.skipped) else ''}."
    )
    return Table(caption, ["task", *labels], rows)


def horizon_text(horizon: Horizon) -> str:
    """`"≥ 200"`, `"50"`, `"–"`, `"?"`."""
    return str(horizon).replace(">=", "≥").replace("-", "–")


def horizon_note(row: dict[Any, Any]) -> str:
    """Why a horizon ends where it does, if the cause is not an unsolved lag."""
    horizon: Horizon = row["horizon"]
    if horizon.unknown is None:
        return ""
    if row["skipped"]:
        return f"ends before lag {horizon.unknown}: skipped"
    why = "no lag 0 to judge by" if row["unjudged"] else "no run has ended"
    return f"ends before lag {horizon.unknown}: {why}"


def score_table(data: ReportData, problem: Problem) -> Table:
    """IQM of the score with its interval, and how many runs solved the task."""

    def cell(row: dict[Any, Any]) -> Cell:
        if not row["n"]:
            return ("–", _ended(row))
        interval = (span(row["score_low"], row["score_high"]),) if pd.notna(row["score_low"]) else ()
        return (number(row["score"]), *interval, _ended(row))

    caption = (
        f"{problem.score_title.capitalize()} on the test split: IQM over seeds, [95% bootstrap interval] where seeds "
        "differ, and k/n runs that solved the task."
    )
    return Table(caption, *_by_lag(data, problem, cell))


def success_table(data: ReportData, problem: Problem) -> Table:
    """Success rate with its Wilson interval, and the steps to solve."""

    def cell(row: dict[Any, Any]) -> Cell:
        if pd.isna(row["success"]):
            return ("–", "no run ended" if not row["n"] else "not judged")
        steps = row["steps_to_solve"]
        interval = span(row["success_low"], row["success_high"], 2)
        return (number(row["success"], 2), interval, *((f"{count(steps)} steps",) if pd.notna(steps) else ()))

    caption = (
        "Success rate with its 95% Wilson interval; below it the median number of steps to solve, with runs that never "
        "solved counted as censored (not shown where fewer than half solved)."
    )
    return Table(caption, *_by_lag(data, problem, cell))


def comparison_table(data: ReportData, problem: Problem) -> Table | None:
    """Each series over all lags, and how likely it is better than each other one; None for a single series."""
    pairs = rows_of(data.improvements, problem)
    if pairs.empty:
        return None
    better = {key: row for key, (_, row) in zip(_keys(pairs, "other_series"), pairs.iterrows(), strict=True)}
    mine = rows_of(data.overall, problem)
    labels = list(mine["series"].unique())
    rows: list[list[Cell]] = []
    for row in mine.to_dict("records"):
        interval = (span(row["skill_low"], row["skill_high"]),) if pd.notna(row["skill_low"]) else ()
        cells = [_improvement(better.get((row["filler"], row["series"], label))) for label in labels]
        lags = f"{row['filler']} filler, {row['lags']} lag{'s' * (row['lags'] > 1)}"
        rows.append([(str(row["series"]), lags), (number(row["skill"]), *interval), *cells])
    caption = (
        "Over all lags that every model met: IQM of the skill [95% bootstrap interval, stratified by lag], and the "
        "probability that a run of the model has more skill than one of another model at the same lag and seed, a tie "
        "counting half [95% Wilson interval]."
    )
    return Table(caption, ["model", "skill", *(f"better than {label}" for label in labels)], rows)


def gradient_table(data: ReportData, problem: Problem) -> Table | None:
    """Survival and decay per step after training."""
    mine = rows_of(data.summary, problem)
    if mine["survival"].isna().all() and mine["decay_per_step"].isna().all():
        return None

    unsound = data.unsound(problem)

    def cell(row: dict[Any, Any]) -> Cell:
        mark = ("unsound",) if row["series"] in unsound else ()
        return (number(row["survival"]), f"decay {number(row['decay_per_step'])}", *mark)

    caption = sentences(
        "Gradient survival after training, and decay per step of the lag: medians over seeds.",
        words.of_gradients(data, problem),
    )
    return Table(caption, *_by_lag(data, problem, cell))


def levels_table(data: ReportData) -> Table | None:
    """The levels that the networks have to beat."""
    rows: list[list[Cell]] = [
        [(str(problem),), (str(level),), (_range(block["value"]),)]
        for (problem, level), block in data.levels.groupby(["problem", "level"], sort=False)
    ]
    return (
        Table(
            "Levels reached without memory or without a network, on the test split.", ["task", "level", "score"], rows
        )
        if rows
        else None
    )


def published_table(data: ReportData) -> Table | None:
    """Scores from papers for the tasks of the report."""
    names = dict.fromkeys(published.registered(problem.task, data.tasks) for problem in data.problems)
    rows: list[list[Cell]] = [
        [(name,), (model,), (f"{as_typed(score)} {entry['metric']}",), (entry["setting"],), (entry["differs"],),
         (entry["source"],)]
        for name in names
        for entry in published.entries(name)
        for model, score in entry["scores"].items()
    ]  # fmt: skip
    caption = "Published scores, measured by others under other settings: for orientation, not for comparison."
    head = ["task", "model", "score", "setting", "what differs from ours", "source"]
    return Table(caption, head, rows) if rows else None


def selection_table(data: ReportData) -> Table | None:
    """Mean validation score of each combination of values, and which one was chosen.

    A column for each value of a single axis of numbers; otherwise a row for each combination. A column `lag` where each
    lag has a choice of its own.
    """
    if not data.selects:
        return None
    table, axes = data.candidates, data.chosen_axes
    by_lag = bool((table["chosen_for"] != ALL_LAGS).any())
    values = {choice: dict(choice.values) for choice in table["choice"]}
    one_each = len(axes) == 1 and all(isinstance(one[axes[0]], Real) for one in values.values())
    found = sorted({one[axes[0]] for one in values.values()}) if one_each else []
    rows: list[list[Cell]] = []
    keys = ["problem", "filler", "series", "chosen_for"]
    for (problem, filler, series, lags), tried in table.groupby(keys, sort=False):
        first: list[Cell] = [(str(series), str(problem), f"{filler} filler")]
        first += [(str(lags).removeprefix("lag ").removesuffix(" lags"),)] if by_lag else []
        if one_each:
            at = {values[row["choice"]][axes[0]]: _candidate(row) for row in tried.to_dict("records")}
            rows.append([*first, *(at.get(value, ("not tried",)) for value in found)])
            continue
        for row in tried.to_dict("records"):
            settings = values[row["choice"]]
            cells = [(as_typed(settings[axis]) if axis in settings else "",) for axis in axes]
            rows.append([*first, *cells, _candidate(row)])
    head = [as_typed(value) for value in found] if one_each else [*axes, "validation score"]
    return Table(words.selection(data), ["model", *(["lag"] if by_lag else []), *head], rows)


def failures_table(data: ReportData) -> Table | None:
    """Every run that did not finish."""
    bad = data.all_runs[data.all_runs["status"] != "finished"]
    rows: list[list[Cell]] = [
        [
            (row["status"],), (row["problem"],), (row["filler"],), (row["series"],), (str(row["lag"]),),
            (str(row["seed"]),), (count(row["steps"]),), ("" if pd.isna(row["message"]) else str(row["message"]),),
        ]
        for row in bad.to_dict("records")
    ]  # fmt: skip
    caption = (
        "Diverged runs are results and count as not solved. Failed runs crashed; they enter no statistic, and the "
        "next run retries them."
    )
    return (
        Table(caption, ["status", "task", "filler", "model", "lag", "seed", "step", "message"], rows) if rows else None
    )


def skipped_table(data: ReportData) -> Table | None:
    """What was not to be run, and why: a row for each reason."""
    rows: list[list[Cell]] = [
        [(found.reason,), (count(found.runs),), (listed(found.models),), (listed(found.tasks),), (found.lags_text,)]
        for found in data.skipped_runs
    ]
    caption = (
        "Skipped runs: the model says beforehand that it cannot do them, or the task does not allow its layer. They "
        "are not run, and count neither as solved nor as failed."
    )
    return Table(caption, ["reason", "runs", "models", "tasks", "lags"], rows) if rows else None


def cost_table(data: ReportData, problem: Problem) -> Table:
    """Size, learning rate and cost of each series on a task."""
    runs = rows_of(data.runs, problem)
    runs = runs.assign(step_ms=step_milliseconds(runs))
    rows: list[list[Cell]] = [
        [
            (str(series),),
            (_range(block["units"], count),),
            (_range(block["recurrent_parameters"], count),),
            (_range(block["parameters"], count),),
            (_range(block["learning_rate"], as_typed),),
            (_range(block["steps"], count),),
            (_range(block.groupby("lag")["step_ms"].median(), partial(number, digits=2)),),
            (number(block["seconds"].median()),),
            (number(block["seconds"].sum() / 60),),
        ]
        for series, block in runs.groupby("series", sort=False)
    ]
    head = ["model", "units", "recurrent parameters", "all parameters", "learning rate", "steps", "ms a step",
            "seconds a run", "minutes in all"]  # fmt: skip
    caption = (
        "Size and cost: lowest to highest over the grid (ms a step: of the medians at each lag; seconds a run: median)."
    )
    return Table(caption, head, rows)


def facts_table(caption: str, facts: dict[str, Any]) -> Table | None:
    """Nested settings as two columns."""
    rows: list[list[Cell]] = [[(key,), (value,)] for key, value in flatten(facts)]
    return Table(caption, ["what", "value"], rows) if rows else None


def _by_lag(
    data: ReportData, problem: Problem, cell: Callable[[dict[Any, Any]], Cell]
) -> tuple[list[str], list[list[Cell]]]:
    mine = rows_of(data.listed, problem)
    lags = sorted(int(lag) for lag in mine["lag"].unique())
    at = {
        (row["filler"], row["series"], int(row["lag"])): row
        for row in rows_of(data.summary, problem).to_dict("records")
    }

    def shown(filler: str, series: str, lag: int) -> Cell:
        if row := at.get((filler, series, lag)):
            return cell(row)
        return ("skipped" if (problem.label, filler, series, lag) in data.skipped_at else "not run",)

    rows: list[list[Cell]] = [
        [(series, f"{filler} filler"), *(shown(filler, series, lag) for lag in lags)]
        for filler, series in dict.fromkeys(zip(mine["filler"], mine["series"], strict=True))
    ]
    return ["model", *(f"lag {lag}" for lag in lags)], rows


def _horizon_cell(row: dict[Any, Any], table: pd.DataFrame, lags: list[int]) -> Cell:
    success = table.set_index("lag")["success"]
    rates = [success.get(lag) for lag in lags]
    signs = "".join("·" if pd.isna(rate) else "●" if rate >= PASSING else "○" for rate in rates)
    note = horizon_note(row)
    return (horizon_text(row["horizon"]), signs, note) if note else (horizon_text(row["horizon"]), signs)


def _keys(table: pd.DataFrame, other: str) -> list[tuple[str, str, str]]:
    return list(table[["filler", "series", other]].itertuples(index=False, name=None))


def _improvement(row: pd.Series | None) -> Cell:
    if row is None:
        return ("",)
    return (number(row["probability"], 2), span(row["low"], row["high"], 2))


def _candidate(row: dict[Any, Any]) -> Cell:
    runs = f"{row['n']} run{'' if row['n'] == 1 else 's'}"
    runs += f", {row['undefined']} without a score" if row["undefined"] else ""
    return (f"{number(row['validation_score'])}{' ●' if row['picked'] else ''}", runs)


def _ended(row: dict[Any, Any]) -> str:
    solved = "?" if pd.isna(row["n_solved"]) else str(int(row["n_solved"]))
    parts = [f"{solved}/{row['n']} solved" if row["n"] else "no run ended"]
    parts += [f"{row[f'n_{kind}']} {kind}" for kind in ("diverged", "failed", "skipped") if row[f"n_{kind}"]]
    return ", ".join(parts)


def _range(values: pd.Series, text: Callable[[Any], str] = number) -> str:
    values = values.dropna()
    if values.empty:
        return "–"
    low, high = text(values.min()), text(values.max())
    return low if low == high else f"{low} to {high}"
