"""The tables of a report, as text for both templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import pandas as pd

from rnnbench.analysis.intervals import FEW
from rnnbench.experiment.choice import ALL_LAGS
from rnnbench.report import published, words
from rnnbench.report.data import Problem, ReportData, rows_of, step_milliseconds
from rnnbench.report.formatting import as_typed, count, flatten, listed, number, sentences, span
from rnnbench.report.setups import fixed_note

Cell = tuple[str, ...]
"""Lines of a cell: the first is the value, the others explain it."""


@dataclass(frozen=True)
class Table:
    """A caption, a head and rows of cells; the first column names the row."""

    caption: str
    head: list[str]
    rows: list[list[Cell]]


def score_table(data: ReportData, problem: Problem) -> Table:
    """Mean score with its band, how many runs solved the task, and the frozen level."""

    def cell(row: dict[Any, Any]) -> Cell:
        if not row["n"]:
            return ("–", _ended(row))
        interval = (span(row["score_low"], row["score_high"]),) if pd.notna(row["score_low"]) else ()
        level = frozen.get((row["setup"], row["series"], row["lag"]))
        own = (f"frozen {number(level)}",) if level is not None else ()
        return (number(row["score"]), *interval, _ended(row), *own)

    frozen = rows_of(data.frozen, problem).set_index(["setup", "series", "lag"])["value"].to_dict()
    kinds = listed(kind for kind in rows_of(data.summary, problem)["band"].unique() if kind) or "none"
    caption = sentences(
        f"{problem.score_title.capitalize()} on the test split: mean over seeds (– where a run has none), [{kinds}], "
        "and k/n runs that solved the task, with the clocks among them.",
        "Frozen: the same network with its initial recurrent weights and a ridge readout." if frozen else "",
        fixed_note(rows_of(data.summary, problem)),
    )
    return Table(caption, *_by_lag(data, problem, cell))


def success_table(data: ReportData, problem: Problem) -> Table:
    """Success rate with its interval, and the steps to solve."""

    def cell(row: dict[Any, Any]) -> Cell:
        if pd.isna(row["success"]):
            return ("–", "no run ended")
        steps = row["steps_to_solve"]
        interval = span(row["success_low"], row["success_high"], 2)
        counts = f"{row['n_solved']} of {row['n']}"
        return (counts, interval, *((f"{count(steps)} steps",) if pd.notna(steps) else ()))

    caption = sentences(
        "Runs that solved the task, with the 95% Clopper-Pearson interval of their share; below it the median number "
        "of steps to solve, runs that never solved it censored at their end (not shown where fewer than half solved).",
        fixed_note(rows_of(data.summary, problem)),
    )
    return Table(caption, *_by_lag(data, problem, cell))


def marker_table(data: ReportData, problem: Problem) -> Table | None:
    """Mean score with the marker replaced by filler, beside that with it; None where no task has one to replace."""
    found = rows_of(data.history, problem)
    found = found[found["metric"] == f"no_marker/{problem.score_name}"]
    if found.empty:
        return None
    without = found.groupby(["setup", "series", "lag"])["value"].mean().to_dict()

    def cell(row: dict[Any, Any]) -> Cell:
        told = number(without.get((row["setup"], row["series"], row["lag"])))
        return (told, f"with it {number(row['score'])}")

    caption = sentences(
        f"{problem.score_title.capitalize()} where the marker is replaced by filler, mean over seeds. A network that "
        "answers without it goes by something else; a task that asks for one answer at one step needs no marker.",
        fixed_note(found),
    )
    return Table(caption, *_by_lag(data, problem, cell))


def comparison_table(data: ReportData, problem: Problem) -> Table | None:
    """How likely each series is ahead of each other one; None for a single series."""
    pairs = rows_of(data.improvements, problem)
    if pairs.empty:
        return None
    better = {key: row for key, (_, row) in zip(_keys(pairs, "other_series"), pairs.iterrows(), strict=True)}
    labels = list(pairs["series"].unique())
    rows: list[list[Cell]] = [
        [(str(series), str(setup)), *(_improvement(better.get((setup, series, label))) for label in labels)]
        for setup, series in dict.fromkeys(zip(pairs["setup"], pairs["series"], strict=True))
    ]
    few = int(pairs["n_seeds"].min()) < FEW
    caption = sentences(
        "How often a run of the model has more skill than one of another model at the same lag and seed, a tie "
        "counting half: over the lags that both met, so it says who is ahead more often, not by how much [95% "
        "bootstrap over seeds].",
        f"With fewer than {FEW} seeds such an interval covers less than 95%." if few else "",
        fixed_note(pairs),
    )
    return Table(caption, ["model", *(f"better than {label}" for label in labels)], rows)


def gradient_table(data: ReportData, problem: Problem) -> Table | None:
    """Survival at initialisation and in the tested network, and decay per step."""
    mine = rows_of(data.summary, problem)
    if mine["survival"].isna().all() and mine["decay_per_step"].isna().all():
        return None

    unsound = data.unsound(problem)

    def cell(row: dict[Any, Any]) -> Cell:
        mark = ("unsound",) if row["series"] in unsound else ()
        both = f"{number(row['survival_initial'])} → {number(row['survival'])}"
        return (both, f"decay {number(row['decay_per_step'])}", *mark)

    caption = sentences(
        "Survival of the gradient by the joint state at initialisation → in the tested network, whose number of steps "
        "is its own, and decay per step of the lag there: medians over seeds.",
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
            "Levels on the test split: memoryless is the best answer without the evidence (skill 0), reference what a "
            "simple model reaches with all of it in view (skill 1).",
            ["task", "level", "score"],
            rows,
        )
        if rows
        else None
    )


def published_table(data: ReportData) -> Table | None:
    """Scores from papers for the tasks of the report."""
    names = dict.fromkeys(published.registered(problem.task, data.tasks) for problem in data.problems)
    rows: list[list[Cell]] = [
        [(name,), (model,), (f"{as_typed(score)} {entry['metric']}",), (entry["setting"],),
         ("like for like",) if entry["like_for_like"] else (entry["differs"][0], *entry["differs"][1:]),
         (entry["source"],)]
        for name in names
        for entry in published.entries(name)
        for model, score in entry["scores"].items()
    ]  # fmt: skip
    caption = (
        "Published scores. Like for like, or with everything that differs from ours: those are for orientation only."
    )
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
    keys = ["problem", "setup", "series", "chosen_for"]
    for (problem, setup, series, lags), tried in table.groupby(keys, sort=False):
        first: list[Cell] = [(str(series), str(problem), str(setup))]
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
            (row["status"],), (row["problem"],), (row["setup"],), (row["series"],), (str(row["lag"]),),
            (str(row["seed"]),), (count(row["steps"]),), ("" if pd.isna(row["message"]) else str(row["message"]),),
        ]
        for row in bad.to_dict("records")
    ]  # fmt: skip
    caption = (
        "Diverged runs are results and count as not solved. Failed runs crashed; they enter no statistic, and the "
        "next run retries them."
    )
    return (
        Table(caption, ["status", "task", "lags and filler", "model", "lag", "seed", "step", "message"], rows)
        if rows
        else None
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
    # Several grids side by side need not ask for the same lags.
    asked = set(mine[["setup", "series", "lag"]].itertuples(index=False, name=None))
    at = {
        (row["setup"], row["series"], int(row["lag"])): row for row in rows_of(data.summary, problem).to_dict("records")
    }

    def shown(setup: str, series: str, lag: int) -> Cell:
        if row := at.get((setup, series, lag)):
            return cell(row)
        if (setup, series, lag) not in asked:
            return ("–",)
        return ("skipped" if (problem.label, setup, series, lag) in data.skipped_at else "not run",)

    rows: list[list[Cell]] = [
        [(series, setup), *(shown(setup, series, lag) for lag in lags)]
        for setup, series in dict.fromkeys(zip(mine["setup"], mine["series"], strict=True))
    ]
    return ["model", *(f"{problem.distance} {lag}" for lag in lags)], rows


def _keys(table: pd.DataFrame, other: str) -> list[tuple[str, str, str]]:
    return list(table[["setup", "series", other]].itertuples(index=False, name=None))


def _improvement(row: pd.Series | None) -> Cell:
    if row is None:
        return ("",)
    interval = (span(row["low"], row["high"], 2),) if pd.notna(row["low"]) else ()
    return (number(row["probability"], 2), *interval)


def _candidate(row: dict[Any, Any]) -> Cell:
    runs = f"{row['n']} run{'' if row['n'] == 1 else 's'}"
    runs += f", {row['undefined']} without a score" if row["undefined"] else ""
    return (f"{number(row['validation_score'])}{' ●' if row['picked'] else ''}", runs)


def _ended(row: dict[Any, Any]) -> str:
    parts = [f"{row['n_solved']}/{row['n']} solved" if row["n"] else "no run ended"]
    parts += [f"{row['n_clock']} by a clock"] if row["n_clock"] else []
    parts += [f"{row[f'n_{kind}']} {kind}" for kind in ("diverged", "failed", "skipped") if row[f"n_{kind}"]]
    return ", ".join(parts)


def _range(values: pd.Series, text: Callable[[Any], str] = number) -> str:
    values = values.dropna()
    if values.empty:
        return "–"
    low, high = text(values.min()), text(values.max())
    return low if low == high else f"{low} to {high}"
