"""The learning rate of each series, chosen on validation.

Where `learning_rate` is an axis, one rate is kept for each task (at one setting, with one filler) and model: the one
with the best mean of the runs' best validation scores, over all lags and tuning seeds. A diverged run counts with the
score of its untrained network. Ties go to the rate whose runs needed fewer steps, then to the smaller one. A rate with
fewer scored runs than another of its series is no candidate, and one with a run that ended without any score ranks
below every rate without such a run. The test split plays no part.

Where there are tuning seeds (`select: {seeds: ...}`), they run first, on series with more than one rate; the others
then run at the chosen rates: see `grid.stages`.

The best of several noisy means is too good on average. If the seeds that choose are evaluated too, some of that luck
is in their test scores; if they are tuning seeds only, the evaluation seeds are free of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rnnbench.analysis.groups import GROUP, OUTCOMES, attempted, higher_is_better, with_group_names

EVALUATED, TUNING, NOT_PICKED = "evaluated", "tuning", "not picked"
"""`role` of a run: its test score enters figures and tables; it only helped to choose; its rate was not chosen."""


def with_roles(runs: pd.DataFrame, seeds: Sequence[int] = ()) -> pd.DataFrame:
    """A copy of `runs` with the column `role`.

    `seeds`: the tuning seeds, which choose and are not evaluated; without any, all seeds choose and are evaluated.
    """
    table = candidates(runs, seeds)
    rates = table[table["picked"]].set_index(GROUP)["learning_rate"]
    named = with_group_names(runs)
    only = named.groupby(GROUP, sort=False)["learning_rate"].transform("nunique") == 1
    found = rates.reindex(pd.MultiIndex.from_frame(named[GROUP])).to_numpy()
    picked = (runs["learning_rate"] == found) | only
    role = pd.Series(EVALUATED, index=runs.index).where(picked, NOT_PICKED)
    return runs.assign(role=role.mask(runs["seed"].isin(seeds), TUNING))


def candidates(runs: pd.DataFrame, seeds: Sequence[int] = ()) -> pd.DataFrame:
    """One row for each series and learning rate.

    Columns: `GROUP`, `learning_rate`, `validation_score` (mean of the finite ones), `n` (runs that have one),
    `undefined` (runs that ended without one), `picked`.
    """
    runs = attempted(with_group_names(runs))
    higher = {task: higher_is_better(rows) for task, rows in runs.groupby("task", sort=False)}
    choosing = runs[runs["seed"].isin(seeds)] if len(seeds) else runs
    score = choosing["validation_score"].astype(float)
    score = score.where(np.isfinite(score))
    undefined = score.isna() & choosing["status"].isin(OUTCOMES)
    table = (
        choosing.assign(validation_score=score, undefined=undefined)
        .groupby([*GROUP, "learning_rate"], sort=False)
        .agg(
            validation_score=("validation_score", "mean"),
            n=("validation_score", "count"),
            undefined=("undefined", "sum"),
            steps=("steps", "mean"),
        )
        .reset_index()
    )
    # So that one order serves scores and errors.
    cost = table["validation_score"].where(~table["task"].map(higher).astype(bool), -table["validation_score"])
    complete = table["n"] == table.groupby(GROUP, sort=False)["n"].transform("max")
    ordered = table.assign(cost=cost)[complete].sort_values(["undefined", "cost", "steps", "learning_rate"])
    best = ordered.groupby(GROUP, sort=False).head(1).index
    return table.assign(picked=table.index.isin(best)).drop(columns="steps")
