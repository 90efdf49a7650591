"""The memory horizon: the longest lag that a model solves together with every shorter one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from rnnbench.analysis.groups import GROUP, groups

PASSING = 0.5
"""Share of seeds that must solve a lag for the lag to count for the memory horizon (docs/science.md, section 4)."""


@dataclass(frozen=True)
class Horizon:
    """How far a memory reaches over a grid of lags."""

    lag: int | None
    """The longest lag that passes together with every shorter one; None where the first does not."""
    beyond: bool = False
    """Every lag of the grid passes: the true horizon is `lag` or more."""
    unknown: int | None = None
    """The lag at which the count had to end because no run there could be judged."""
    again: tuple[int, ...] = ()
    """Lags that pass although a shorter one does not."""

    def __str__(self) -> str:
        if self.lag is None:
            return "-" if self.unknown is None else "?"
        return f">= {self.lag}" if self.beyond else str(self.lag)


def memory_horizon(success: Mapping[int, float | None]) -> Horizon:
    """The memory horizon of one model from its success rate at each lag; None or NaN where no run could be judged."""
    lags = sorted(success)
    rates = {lag: math.nan if (rate := success[lag]) is None else rate for lag in lags}
    passes = {lag: None if math.isnan(rates[lag]) else rates[lag] >= PASSING for lag in lags}
    longest = None
    for position, lag in enumerate(lags):
        if not passes[lag]:
            return Horizon(
                longest,
                unknown=lag if passes[lag] is None else None,
                again=tuple(later for later in lags[position + 1 :] if passes[later]),
            )
        longest = lag
    return Horizon(longest, beyond=longest is not None)


def horizons(table: pd.DataFrame, left_out: pd.DataFrame | None = None) -> pd.DataFrame:
    """The memory horizon of each series of a `summary`.

    `left_out`: the runs that are skipped (`groups.skipped`). Columns: `GROUP`, `horizon` (a `Horizon`), `n_low` and
    `n_high` (fewest and most outcomes at a lag that is not skipped), `unjudged` (whether runs did end at the horizon's
    `unknown` lag, so that only their reference at lag 0 is missing), `skipped` (whether that lag is skipped). The grid
    of a series is every lag that any model met in the same task, setting and filler: a lag that one model never ran, or
    skips, ends its horizon.
    """
    shared = ["task", "task_setting", "source", "filler"]
    none = pd.DataFrame(columns=[*GROUP, "lag"])
    skips = {key: set(rows["lag"]) for key, rows in groups(none if left_out is None else left_out, GROUP)}
    rows = []
    for _, block in groups(table, shared):
        grid = sorted(int(lag) for lag in block["lag"].unique())
        for key, series in groups(block, GROUP):
            at = series.set_index("lag")
            skipped = skips.get(key, set()) - set(at.index)
            counts = at["n"].reindex([lag for lag in grid if lag not in skipped], fill_value=0)
            horizon = memory_horizon(dict(zip(grid, at["success"].reindex(grid), strict=True)))
            rows.append(
                dict(zip(GROUP, key, strict=True))
                | {"horizon": horizon, "n_low": int(counts.min()), "n_high": int(counts.max())}
                | {"unjudged": horizon.unknown is not None and bool(counts.get(horizon.unknown, 0) > 0)}
                | {"skipped": horizon.unknown in skipped}
            )
    return pd.DataFrame(rows, columns=[*GROUP, "horizon", "n_low", "n_high", "unjudged", "skipped"])
