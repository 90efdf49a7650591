"""The table of runs in short: for each series and lag how many runs solved the task, how well, and how soon."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from rnnbench.analysis.groups import GROUP, attempted, groups, skipped, with_group_names
from rnnbench.analysis.intervals import band, clopper_pearson, mean
from rnnbench.analysis.levels import linear_skill
from rnnbench.analysis.outcomes import clocks, ended, solved, solving_steps
from rnnbench.analysis.steps_to_solve import median_steps_to_solve

SUMMARY_COLUMNS = [
    *GROUP, "lag", "score_name", "n", "n_solved", "n_clock", "n_diverged", "n_failed", "n_skipped", "success",
    "success_low", "success_high", "score", "score_low", "score_high", "skill", "skill_low", "skill_high", "band",
    "clock", "generalises_to", "start_shift", "survival_initial", "survival", "decay_per_step", "steps_to_solve",
]  # fmt: skip
_MEDIANS = ("clock", "generalises_to", "start_shift", "survival_initial", "survival", "decay_per_step")


def summary(runs: pd.DataFrame, examples: Mapping[str, np.ndarray] | None = None) -> pd.DataFrame:
    """One row for each series and lag that is not skipped altogether: series in the order of `runs`, lags ascending.

    `examples`: the score of each test example of a run, by signature. Columns: `GROUP`, `lag`, `score_name`, `n`
    (outcomes), `n_solved`, `n_clock` (of these, clocks), `n_diverged`, `n_failed`, `n_skipped` (in no other number),
    `success` with its Clopper-Pearson interval, `score` and `skill` (means over seeds; NaN where a run has none) each
    with `_low` and `_high`, `band` (what these are, see `intervals.Band`; empty where there are none), the medians over
    seeds of `clock`, `generalises_to`, `start_shift`, `survival_initial`, `survival` and `decay_per_step`, and
    `steps_to_solve` (censored median). What cannot be computed is NaN.
    """
    runs = with_group_names(runs)
    rows = [
        dict(zip(GROUP, key, strict=True)) | {"lag": lag} | _statistics(group, examples or {})
        for key, series in groups(runs, GROUP)
        for lag, group in series.groupby(series["lag"].astype(int))
        if len(attempted(group))
    ]
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _statistics(group: pd.DataFrame, examples: Mapping[str, np.ndarray]) -> dict[str, object]:
    outcomes = ended(group)
    n, n_solved = len(outcomes), int(solved(outcomes).sum())
    steps = solving_steps(outcomes)
    median = median_steps_to_solve(steps["step"].tolist(), steps["end"].tolist())
    low, high = clopper_pearson(n_solved, n) or (math.nan, math.nan)
    return {
        "score_name": next(iter(group["score_name"].dropna()), "score"),
        "n": n,
        "n_solved": n_solved,
        "n_clock": int(clocks(outcomes).sum()),
        "n_diverged": int((outcomes["status"] == "diverged").sum()),
        "n_failed": int((group["status"] == "failed").sum()),
        "n_skipped": len(skipped(group)),
        "success": n_solved / n if n else math.nan,
        "success_low": low,
        "success_high": high,
        **_means(outcomes, examples),
        **{name: outcomes[name].astype(float).median() for name in _MEDIANS},
        "steps_to_solve": math.nan if median is None else median,
    }


def _means(outcomes: pd.DataFrame, examples: Mapping[str, np.ndarray]) -> dict[str, object]:
    """Means of score and skill with their bands."""
    scores, skills = (outcomes[name].astype(float).to_numpy() for name in ("score", "skill"))
    known = [examples[name] for name in outcomes["signature"] if name in examples]
    of_score, of_skill = band(scores, known), band(skills)
    if of_score is not None and of_skill is not None and known:
        # Test noise moves the skill as it moves the score, where one is a straight line of the other.
        line = linear_skill(outcomes)
        of_skill = of_skill if line is None else band(skills, [line(one) for one in known])
    found: dict[str, object] = {"band": of_score.kind if of_score else ""}
    for name, values, one in (("score", scores, of_score), ("skill", skills, of_skill)):
        low, high = (one.low, one.high) if one else (math.nan, math.nan)
        found |= {name: mean(values), f"{name}_low": low, f"{name}_high": high}
    return found
