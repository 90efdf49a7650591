"""The memory horizon: the longest tested lag at which a falling fit of the success rate is at least one half."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from rnnbench.analysis.groups import CONDITION, GROUP, groups

PASSING = 0.5
"""Share of seeds that a lag needs in the fit to count for the memory horizon (docs/science.md, section 4)."""
_ROUNDING = 1e-12
"""A fitted half may be off by this."""


@dataclass(frozen=True)
class Count:
    """How many runs solved a lag."""

    lag: int
    solved: int
    n: int

    def __str__(self) -> str:
        return f"{self.lag}, {self.solved} of {self.n}"


@dataclass(frozen=True)
class Horizon:
    """How far a memory reaches over a grid of lags."""

    lag: int | None
    """The longest tested lag whose fitted success rate is at least one half; None where the shortest is below it."""
    beyond: bool = False
    """Every tested lag is solved so: the true horizon is `lag` or more."""
    counts: tuple[Count, ...] = ()
    """Of each tested lag, ascending."""

    def __str__(self) -> str:
        if self.lag is None:
            return "-" if self.counts else "?"
        return f">= {self.lag}" if self.beyond else str(self.lag)

    @property
    def told(self) -> str:
        """The counts on which it stands: `100, 5 of 5; 200, 1 of 5`."""
        place = next((at for at, count in enumerate(self.counts) if count.lag == self.lag), -1)
        return "; ".join(str(count) for count in self.counts[max(place, 0) : place + 2])


def falling_fit(rates: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """The falling curve nearest to success rates in ascending order of the lag (de Leeuw, Hornik & Mair 2009).

    Least squares, weighted by the number of runs, which is the maximum-likelihood fit of falling rates.
    """
    return isotonic_regression(rates, weights=runs, increasing=False).x if len(rates) else np.empty(0)


def memory_horizon(solved: Mapping[int, tuple[int, int]]) -> Horizon:
    """The memory horizon from `{lag: (runs that solved it, runs that ended)}`; a lag without a run is not tested.

    >>> str(memory_horizon({50: (5, 5), 100: (4, 5), 200: (1, 5)}))
    '100'
    >>> memory_horizon({50: (5, 5), 100: (4, 5), 200: (1, 5)}).told
    '100, 4 of 5; 200, 1 of 5'
    """
    counts = tuple(Count(lag, *solved[lag]) for lag in sorted(solved) if solved[lag][1] > 0)
    fit = falling_fit(
        np.array([count.solved / count.n for count in counts]), np.array([float(count.n) for count in counts])
    )
    passing = int((fit >= PASSING - _ROUNDING).sum())
    return Horizon(counts[passing - 1].lag if passing else None, 0 < passing == len(counts), counts)


def horizons(table: pd.DataFrame) -> pd.DataFrame:
    """The memory horizon of each series of a `summary`.

    Columns: `GROUP`, `horizon` (a `Horizon`), `n_low` and `n_high` (fewest and most outcomes at a tested lag; 0 without
    one), `n_clock` (runs at the horizon that solved it by a clock), `untested` (lags that another model of the same
    task, protocol and filler met and this one did not: skipped, not run, or without an outcome).
    """
    rows = []
    for _, block in groups(table, CONDITION):
        met = {int(lag) for lag in block.loc[block["n"] > 0, "lag"]}
        for key, series in groups(block, GROUP):
            at = {int(row["lag"]): row for row in series.to_dict("records")}
            horizon = memory_horizon({lag: (int(row["n_solved"]), int(row["n"])) for lag, row in at.items()})
            n = [count.n for count in horizon.counts] or [0]
            rows.append(
                dict(zip(GROUP, key, strict=True))
                | {"horizon": horizon, "n_low": min(n), "n_high": max(n)}
                | {"n_clock": 0 if horizon.lag is None else int(at[horizon.lag]["n_clock"])}
                | {"untested": tuple(sorted(met - {count.lag for count in horizon.counts}))}
            )
    return pd.DataFrame(rows, columns=[*GROUP, "horizon", "n_low", "n_high", "n_clock", "untested"])
