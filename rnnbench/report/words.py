"""The sentences of a report, made from its statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd

from rnnbench.analysis.correlation import rank_correlation
from rnnbench.analysis.intervals import wilson
from rnnbench.experiment.choice import ALL_LAGS
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.formatting import listed, number, seeds_text
from rnnbench.text.wording import count_of

BRACKETS = "In brackets: the seeds that solved that lag, and the 95% interval of the success rate there (Wilson 1927)."
"""Said once, below all headlines."""
SCORE_MARKS = (
    "Line: IQM over seeds; band: its 95% bootstrap interval; small marks: single seeds; "
    "×: diverged (at the lower edge where it has no score). At each lag the models are drawn a little apart."
)
"""The key to a figure of skill or score against the lag."""
PHASES = {"initial": "at initialisation", "final": "after training"}
"""When a gradient was taken."""
FILLERS = {"blank": "silence", "distractor": "noise"}
"""What a sentence calls a filler."""

Reach = tuple[bool, int]
"""Whether a model passed every lag tried, and the longest lag up to which it passed."""


def headline(data: ReportData, problem: Problem) -> str:
    """One sentence: how far the best and the worst models reach through each filler."""
    parts = []
    for filler, clauses in _clauses(data, problem):
        furthest, least = clauses[0][0], clauses[-1][0]
        best, worst = (listed(text for reach, text in clauses if reach == end) for end in (furthest, least))
        parts.append(f"through {filler}, {best}" + (f", while {worst}" if furthest != least else ""))
    mine = rows_of(data.horizons, problem)
    seeds = seeds_text(int(mine["n_low"].min()), int(mine["n_high"].max()))
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]} ({seeds} a point)."


def answers(data: ReportData, problem: Problem) -> list[str]:
    """What the statistics say of one problem: a sentence for each filler, the number of seeds, skill at lag 0."""
    mine = rows_of(data.horizons, problem)
    low, high = int(mine["n_low"].min()), int(mine["n_high"].max())
    told = _clauses(data, problem)
    sentences = [f"Through {filler}, {'; '.join(text for _, text in clauses)}." for filler, clauses in told]
    sentences += _skipped_series(data, problem)
    if high == 0:
        return [*sentences, "No run has ended."]
    return [*sentences, f"n = {seeds_text(low, high)} a point.", *_skill_at_zero(data, problem)]


def association(data: ReportData, problem: Problem, filler: str, column: str) -> str:
    """How skill and a column of the runs correlate: `"Spearman's ρ of skill and survival = 0.71 over 75 runs, ..."`"""
    runs = data.outcomes(problem)
    runs = runs[runs["filler"] == filler]
    found = rank_correlation(runs[column], runs["skill"], runs["lag"])
    if pd.isna(found.rho):
        return f"no correlation can be told from {found.n} runs."
    within = "" if pd.isna(found.within) else f", {number(found.within, 2)} between runs of the same lag"
    return f"Spearman's ρ of skill and survival = {number(found.rho, 2)} over {found.n} runs{within}."


def of_gradients(data: ReportData, problem: Problem) -> str:
    """Which series' gradients are by their input, and which are incomplete, and why; empty where none is."""
    by_input, unsound = data.by_input(problem), data.unsound(problem)
    found = []
    if by_input:
        found.append(f"No states in {listed(by_input)}: gradients are w.r.t. the input.")
    if unsound:
        found.append(
            f"Unsound for {listed(unsound)}: the probed states do not hold all that the network knows of the past, so "
            "these gradients miss what flows back on other paths."
        )
    return " ".join(found)


def caution(data: ReportData) -> str:
    """How little so few seeds can show."""
    most = int(data.horizons["n_high"].max())
    interval = wilson(most, most)
    if most >= 5 or interval is None:
        return ""
    return (
        f"Read with care: with {seeds_text(most, most)} a point, even {most} of {most} solved "
        f"only shows a success rate above {number(interval[0], 2)}."
    )


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
    by_filler: dict[str, list[str]] = {}
    for label, filler, series in data.skipped_series:
        if label == problem.label:
            by_filler.setdefault(FILLERS.get(filler, filler), []).append(series)
    return [f"Skipped through {filler}: {listed(names)}." for filler, names in by_filler.items()]


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
        f"run counts with its untrained network's score. One was chosen (●) for {kept} on a task and filler, on the "
        f"validation split alone. {luck}"
    )


def _plural(data: ReportData) -> str:
    """What was chosen: `the learning rates`, `learning rate and optimizer`."""
    axes = [_spelt(axis) for axis in data.chosen_axes]
    return "the learning rates" if axes == ["learning rate"] else listed(axes)


def _spelt(axis: str) -> str:
    return axis.replace("_", " ")


def _skill_at_zero(data: ReportData, problem: Problem) -> list[str]:
    # Where solved is relative to the skill at lag 0, a horizon means little without that skill.
    table = rows_of(data.summary, problem)
    at = table[table["lag"] == 0].dropna(subset=["skill"])
    if at.empty:
        return []
    best = at.groupby("model", sort=False)["skill"].max()
    skills = ", ".join(f"{model} {number(skill, 2)}" for model, skill in best.items())
    return [f"{'Best skill' if len(at) > len(best) else 'Skill'} at lag 0: {skills}."]


def _clauses(data: ReportData, problem: Problem) -> Iterator[tuple[str, list[tuple[Reach, str]]]]:
    """For each filler, a clause for each group of models that fare alike, those that reach furthest first."""
    mine = rows_of(data.horizons, problem)
    summary = rows_of(data.summary, problem).to_dict("records")
    there = {(row["filler"], row["series"], row["lag"]): row for row in summary}
    for filler, block in mine.groupby("filler", sort=False):
        settings = Counter(block["model"])
        groups: dict[str, list[dict[Any, Any]]] = {}
        for row in sorted(block.to_dict("records"), key=_reach, reverse=True):
            at_horizon = there.get((row["filler"], row["series"], row["horizon"].lag))
            groups.setdefault(_clause(row, at_horizon, problem.relative), []).append(row)
        clauses = []
        for clause, members in groups.items():
            names = _names(members, settings)
            text = f"{listed(names)} {clause.replace('*', 's' if len(names) == 1 else '')}"
            clauses.append((_reach(members[0]), text))
        yield FILLERS.get(str(filler), str(filler)), clauses


def _names(members: list[dict[Any, Any]], settings: Counter[str]) -> list[str]:
    # A model all of whose settings fare alike is named once.
    here = Counter(row["model"] for row in members)
    return list(
        dict.fromkeys(
            row["model"] if here[row["model"]] == settings[row["model"]] else row["series"] for row in members
        )
    )


def _reach(row: dict[Any, Any]) -> Reach:
    horizon = row["horizon"]
    return horizon.beyond, -1 if horizon.lag is None else horizon.lag


def _clause(row: dict[Any, Any], there: dict[Any, Any] | None, relative: bool) -> str:
    """How far a model reaches, with * where its verb takes an s. Solving a relative task is keeping one's own skill."""
    horizon = row["horizon"]
    verb = "keep* the skill of lag 0" if relative else "solve*"
    if horizon.beyond and relative and horizon.lag == 0:
        return f"learn* something at lag 0, the only one tried{_bracket(there)}"
    if horizon.beyond:
        return f"{verb} {'at ' if relative else ''}every lag tried, up to {horizon.lag}{_bracket(there)}"
    unknown = "cannot be judged there for want of lag 0" if row["unjudged"] else "has no ended run"
    unknown = "is skipped" if row["skipped"] else unknown
    end = f" (lag {horizon.unknown} {unknown})" if horizon.unknown is not None else ""
    again = f" (and lag {listed(map(str, horizon.again))} again)" if horizon.again else ""
    if horizon.lag is None:
        none = "start* without skill at lag 0" if relative else "solve* not even the shortest lag"
        return f"{'cannot be judged' if end else none}{again}{end}"
    if relative and horizon.lag == 0:
        return f"lose* the skill of lag 0 at the next lag{again}{end}"
    return f"{verb} up to lag {horizon.lag}{_bracket(there)}{again}{end}"


def _bracket(there: dict[Any, Any] | None) -> str:
    if there is None:
        return ""
    low, high = (number(there[f"success_{end}"], 2) for end in ("low", "high"))
    return f" ({int(there['n_solved'])}/{there['n']}, {low}–{high})"
