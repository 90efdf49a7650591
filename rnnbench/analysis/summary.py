"""The table of runs in short: for each series and lag how many runs solved the task, how well, and how soon."""

from __future__ import annotations

import math

import pandas as pd

from rnnbench.analysis.groups import (
    GROUP,
    OUTCOMES,
    attempted,
    groups,
    higher_is_better,
    ranked,
    skipped,
    step_budgets,
    with_group_names,
)
from rnnbench.analysis.intervals import interval_columns, iqm_columns, wilson
from rnnbench.analysis.steps_to_solve import median_steps_to_solve

SUMMARY_COLUMNS = [
    *GROUP, "lag", "score_name", "n", "n_solved", "n_diverged", "n_failed", "n_skipped", "success", "success_low",
    "success_high", "score", "score_low", "score_high", "skill", "skill_low", "skill_high", "survival",
    "decay_per_step", "steps_to_solve",
]  # fmt: skip


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each series and lag that is not skipped altogether: series in the order of `runs`, lags ascending.

    Columns: `GROUP`, `lag`, `score_name`, `n` (outcomes), `n_solved`, `n_diverged`, `n_failed`,
    `n_skipped` (in no other number), `success` with `success_low` and `success_high`, `score` and `skill` (IQM) each
    with `_low` and `_high`, `survival`, `decay_per_step` (medians over seeds) and `steps_to_solve` (censored median).
    What cannot be computed is NaN; so are `n_solved` and `success` where a run could not be judged (relative to a lag 0
    that is missing).
    """
    runs = with_group_names(runs)
    higher = {task: higher_is_better(rows) for (task,), rows in groups(runs, ["task"])}
    rows = [
        dict(zip(GROUP, key, strict=True)) | {"lag": lag} | _statistics(group, higher[key[0]])
        for key, series in groups(runs, GROUP)
        for lag, group in series.groupby(series["lag"].astype(int))
        if len(attempted(group))
    ]
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _statistics(group: pd.DataFrame, higher: bool) -> dict[str, object]:
    ended = group[group["status"].isin(OUTCOMES)]
    solved = ended["solved"].astype("boolean").mask(ended["status"] == "diverged", False)
    judged = len(ended) > 0 and not solved.isna().any()
    n_solved = int(solved.sum()) if judged else None
    median = median_steps_to_solve(ended["steps_to_solve"].tolist(), step_budgets(ended))
    return {
        "score_name": next(iter(group["score_name"].dropna()), "score"),
        "n": len(ended),
        "n_solved": math.nan if n_solved is None else n_solved,
        "n_diverged": int((ended["status"] == "diverged").sum()),
        "n_failed": int((group["status"] == "failed").sum()),
        "n_skipped": len(skipped(group)),
        "success": math.nan if n_solved is None else n_solved / len(ended),
        **interval_columns("success", None if n_solved is None else wilson(n_solved, len(ended))),
        **iqm_columns("score", ranked(ended["score"], higher).tolist()),
        **iqm_columns("skill", ranked(ended["skill"]).tolist()),
        "survival": ended["survival"].astype(float).median(),
        "decay_per_step": ended["decay_per_step"].astype(float).median(),
        "steps_to_solve": math.nan if median is None else median,
    }
