"""The values of axes that each series keeps, chosen on validation.

Where settings are axes that `select` names, one combination of their values is kept for each task (at one setting, with
one filler) and model: the one with the best mean of the runs' best validation scores, over all lags (or at each lag by
itself, `each: [task, model, lag]`) and tuning seeds. A diverged run counts with the score of its untrained network.
Ties go to the combination whose runs needed fewer steps, then axis by axis to the smaller number, then to the one that
stands first in the file. A combination with fewer scored runs than another of its series is no candidate, and one with
a run that ended without any score ranks below every combination without such a run. The test split plays no part.

Where there are tuning seeds (`select: {seeds: ...}`), they run first, on series with more than one combination; the
others then run at the chosen ones: see `grid.stages`.

The best of several noisy means is too good on average. If the seeds that choose are evaluated too, some of that luck
is in their test scores; if they are tuning seeds only, the evaluation seeds are free of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.analysis.groups import GROUP, OUTCOMES, attempted, higher_is_better, with_group_names

EVALUATED, TUNING, NOT_PICKED = "evaluated", "tuning", "not picked"
"""`role` of a run: its test score enters figures and tables; it only helped to choose; its values were not chosen."""
UNIT = [*GROUP, "chosen_for"]
"""What one choice is made for, in the order of `experiment.choice.unit`."""


def with_roles(runs: pd.DataFrame, seeds: Sequence[int] = ()) -> pd.DataFrame:
    """A copy of `runs` with the column `role`. `runs` has `choice` and `chosen_for` of `rnnbench.experiment.choice`.

    `seeds`: the tuning seeds, which choose and are not evaluated; without any, all seeds choose and are evaluated.
    """
    table = candidates(runs, seeds)
    chosen = table[table["picked"]].set_index(UNIT)["choice"]
    named = with_group_names(runs)
    only = named.groupby(UNIT, sort=False)["choice"].transform("nunique") == 1
    found = chosen.reindex(pd.MultiIndex.from_frame(named[UNIT])).to_numpy()
    picked = (runs["choice"] == found) | only
    role = pd.Series(EVALUATED, index=runs.index).where(picked, NOT_PICKED)
    return runs.assign(role=role.mask(runs["seed"].isin(seeds), TUNING))


def candidates(runs: pd.DataFrame, seeds: Sequence[int] = ()) -> pd.DataFrame:
    """One row for each series (and lag, where each has its own choice) and combination of values.

    Columns: `UNIT`, `choice`, `validation_score` (mean of the finite ones), `n` (runs that have one), `undefined` (runs
    that ended without one), `picked`.
    """
    runs = attempted(with_group_names(runs))
    higher = {task: higher_is_better(rows) for task, rows in runs.groupby("task", sort=False)}
    choosing = runs[runs["seed"].isin(seeds)] if len(seeds) else runs
    score = choosing["validation_score"].astype(float)
    score = score.where(np.isfinite(score))
    undefined = score.isna() & choosing["status"].isin(OUTCOMES)
    table = (
        choosing.assign(validation_score=score, undefined=undefined)
        .groupby([*UNIT, "choice"], sort=False)
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
    complete = table["n"] == table.groupby(UNIT, sort=False)["n"].transform("max")
    numbers = pd.DataFrame([_numbers(one) for one in table["choice"]], index=table.index).add_prefix("axis ")
    keys = table[["undefined", "steps"]].assign(cost=cost, **numbers, place=range(len(table)))[complete]
    ordered = table.loc[keys.sort_values(["undefined", "cost", "steps", *numbers, "place"]).index]
    best = ordered.groupby(UNIT, sort=False).head(1).index
    return table.assign(picked=table.index.isin(best)).drop(columns="steps")


def _numbers(choice: Any) -> list[float]:
    """The values of a choice in an order where the smaller number is first; other values are not ordered."""
    values = [value for _, value in choice.values]
    return [float(one) if isinstance(one, int | float) and not isinstance(one, bool) else math.nan for one in values]
