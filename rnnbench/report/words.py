"""The sentences of a report beside its headlines, made from its statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from rnnbench.analysis.concordance import Concordance, by_protocol
from rnnbench.analysis.intervals import FEW, clopper_pearson
from rnnbench.experiment.choice import ALL_LAGS
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.formatting import listed, number, seeds_text, sentences
from rnnbench.report.setups import fixed_note, protocol
from rnnbench.text.wording import count_of

PHASES = {"initial": "at initialisation", "final": "after training"}
"""When a gradient was taken."""


def score_marks(summary: pd.DataFrame, frozen: pd.DataFrame) -> str:
    """The key to a figure of skill or score against the lag."""
    kinds = [kind for kind in summary["band"].unique() if kind]
    band = f" band: {listed(f'{kind} (95%)' if 'bootstrap' in kind else kind for kind in kinds)};" if kinds else ""
    clocks = (
        "The word clock: some of the runs that solved that lag answer by timing."
        if (summary["n_clock"] > 0).any()
        else ""
    )
    own = "Thin dots: the same network frozen at initialisation, with a ridge readout; what passes there is not learnt."
    return sentences(
        f"Line: mean over seeds;{band} small marks: single seeds; ×: diverged (at the lower edge where it has no "
        "score). At each lag the models are drawn a little apart.",
        own if len(frozen) else "",
        clocks,
    )


def answers(data: ReportData, problem: Problem) -> list[str]:
    """What the statistics say of one problem: a sentence for each setup with its counts, what was skipped, seeds."""
    mine = rows_of(data.horizons, problem)
    low, high = int(mine["n_low"].min()), int(mine["n_high"].max())
    found = []
    if not data.asks_memory(problem):
        found.append("The reference does not beat the memoryless level on these data, so they ask no memory.")
    if high == 0:
        return [*found, *_skipped_series(data, problem), "No run has ended."]
    for setup, block in mine.groupby("setup", sort=False):
        told = [f"{row['series']} {_horizon(row)}" for row in block.to_dict("records")]
        found.append(f"Memory horizons, {setup}: {'; '.join(told)}.")
    found += [*_skipped_series(data, problem), f"n = {seeds_text(low, high)} a point.", fixed_note(mine)]
    return [sentence for sentence in found if sentence]


def _horizon(row: dict[Any, Any]) -> str:
    """`"at least 100, 5 of 5"`, `"20, 5 of 5; then 50, 1 of 5"`, with the clocks among them."""
    horizon = row["horizon"]
    if not horizon.counts:
        return "has no ended run"
    told = horizon.told.replace("; ", ", then ")
    text = f"none: {told}" if horizon.lag is None else f"{'at least ' * horizon.beyond}{told}"
    text += f", of these {row['n_clock']} by a clock" if row["n_clock"] else ""
    return text + (f", not tested at {listed(map(str, row['untested']))}" if row["untested"] else "")


def concordances(data: ReportData, problem: Problem) -> str:
    """Does the gradient at initialisation tell who will succeed? By protocol, beside what the lag alone tells."""
    without_state = data.by_input(problem)
    runs = data.outcomes(problem)
    table = by_protocol(runs[~runs["series"].isin(without_state)])
    told = [
        f"{protocol(row['training_lags']).capitalize()}: {_concordance(row['survival'])}; "
        f"the lag alone {_share(row['lag'])}."
        for row in table.to_dict("records")
    ]
    if not told:
        return ""
    return sentences(
        "Of two runs at the same lag and filler, of which one solved the task, how often had that one the larger "
        "survival? (One half is no better than chance; points that all runs or none solved have no pair.)",
        *told,
    )


def _concordance(found: Concordance) -> str:
    """`"yes, in 0.98 of 97 pairs (95% bootstrap over 5 models: 0.91 to 1.0)"`."""
    if not found.pairs:
        return "cannot be told, no point has both outcomes"
    if pd.isna(found.low):
        return f"in {_share(found)}, of one model"
    answer = "yes" if found.low > 0.5 else "the other way round" if found.high < 0.5 else "no"
    models = count_of(found.clusters, "model")
    return f"{answer}, in {_share(found)} (95% bootstrap over {models}: {range_of((found.low, found.high))})"


def _share(found: Concordance) -> str:
    return f"{number(found.value, 2)} of {count_of(found.pairs, 'pair')}" if found.pairs else "cannot be told"


def of_gradients(data: ReportData, problem: Problem) -> str:
    """Which series' gradients are by their input, and which are incomplete, and why; empty where none is."""
    by_input, unsound = data.by_input(problem), data.unsound(problem)
    found = []
    if by_input:
        found.append(f"No states in {listed(by_input)}: gradients are w.r.t. the input, compared with each other only.")
    if unsound:
        found.append(
            f"Unsound for {listed(unsound)}: the probed states do not hold all that the network knows of the past, so "
            "these gradients miss what flows back on other paths."
        )
    return " ".join(found)


def caution(data: ReportData) -> str:
    """How little so few seeds can show."""
    most = int(data.horizons["n_high"].max())
    interval = clopper_pearson(most, most)
    if most >= FEW or interval is None:
        return ""
    return (
        f"Read with care: with {seeds_text(most, most)} a point, even {most} of {most} solved "
        f"only shows a success rate above {number(interval[0], 2)}."
    )


def range_of(values: Iterable[float]) -> str:
    """`"1.0e−10 to 0.22"`."""
    found = list(values)
    return f"{number(min(found), 2)} to {number(max(found), 2)}"


def run_counts(data: ReportData, planned: int | None) -> str:
    """`"60 runs: 58 finished, 1 diverged, 1 failed."`, and how many planned runs are not in the store."""
    # A run may stand under two labels.
    runs = data.all_runs.drop_duplicates("signature")
    counts = runs["status"].value_counts(sort=False)
    parts = [f"{count} {status}" for status, count in counts.items()]
    text = f"{count_of(len(runs), 'run')}: {', '.join(parts)}."
    if data.selects:
        evaluated = data.runs["signature"].nunique()
        text += f" {evaluated} of them are evaluated; the others served to choose {_plural(data)}."
    missing = (planned or 0) - len(runs)
    text += f" {missing} planned runs have not been run." if missing > 0 else ""
    return f"{text}{_skipped(data)}"


def _skipped(data: ReportData) -> str:
    """`" 4 more are skipped: it takes 10 steps at most."`, or how many reasons there are."""
    groups = data.skipped_runs
    if not groups:
        return ""
    runs = sum(group.runs for group in groups)
    why = f": {groups[0].reason}" if len(groups) == 1 else f", for {len(groups)} reasons"
    return f" {runs:,} more {'is' if runs == 1 else 'are'} skipped{why}."


def _skipped_series(data: ReportData, problem: Problem) -> list[str]:
    """A sentence on the models of which no point could be run."""
    by_setup: dict[str, list[str]] = {}
    for label, setup, series in data.skipped_series:
        if label == problem.label:
            by_setup.setdefault(setup, []).append(series)
    return [f"Skipped, {setup}: {listed(names)}." for setup, names in by_setup.items()]


def selection(data: ReportData) -> str:
    """How values of axes were chosen, and what that does to the scores."""
    axes = [_spelt(axis) for axis in data.chosen_axes]
    one = axes[0] if len(axes) == 1 else f"combination of {listed(axes)}"
    lags = data.candidates["chosen_for"]
    mean, kept = ("the lags and the tuning seeds", "all lags of a model")
    if (lags != ALL_LAGS).all():
        mean, kept = ("the tuning seeds", "each lag of a model")
    elif (lags != ALL_LAGS).any():
        mean, kept = (f"{mean}, or the tuning seeds where a lag is given", f"{kept}, or for the lag that is given,")
    seeds = data.tuning_seeds
    if seeds:
        who = f"tuning seed{'s' * (len(seeds) > 1)} {listed(map(str, seeds))}"
        luck = f"The runs of {who} enter no other figure or table, so the choice favours none of the evaluation seeds."
    else:
        luck = (
            "The tuning seeds are the evaluation seeds too: the luck of the chosen runs is also in their test scores, "
            "which are therefore somewhat too good, the more so the more values a model could choose from."
        )
    if data.candidates["undefined"].any():
        luck += f" A {one} with a run that ended without any score ranks after every one without such a run."
    return (
        f"Validation score of every {one} that was tried: mean over {mean} of each run's best evaluation; a diverged "
        f"run counts with its untrained network's score. One was chosen (●) for {kept} on a task, protocol and filler, "
        f"on the validation split alone. {luck}"
    )


def _plural(data: ReportData) -> str:
    """What was chosen: `the learning rates`, `learning rate and optimizer`."""
    axes = [_spelt(axis) for axis in data.chosen_axes]
    return "the learning rates" if axes == ["learning rate"] else listed(axes)


def _spelt(axis: str) -> str:
    return axis.replace("_", " ")
