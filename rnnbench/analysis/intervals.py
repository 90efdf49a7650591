"""How sure a count or a mean of few runs is: pure functions of arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

FEW = 10
"""Below so many seeds a band is their range: a bootstrap of five covers about 90%, of two 51% (docs/science.md)."""
RANGE, OF_SEEDS, OF_BOTH = "range of the seeds", "bootstrap over seeds", "bootstrap over seeds and test examples"
"""What a `Band` is."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Band:
    """How far a mean over seeds may be trusted."""

    low: float
    high: float
    kind: str
    """`RANGE`; or the 95% percentile interval `OF_SEEDS` or `OF_BOTH`."""


def clopper_pearson(solved: int, n: int) -> tuple[float, float] | None:
    """95% interval of a success rate (Clopper & Pearson 1934), which covers at least 95% at any n; None without a run.

    >>> [round(end, 3) for end in clopper_pearson(5, 5)]
    [0.478, 1.0]
    """
    if n == 0:
        return None
    interval = stats.binomtest(solved, n).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)


def mean(values: Sequence[float] | np.ndarray) -> float:
    """The mean over seeds; NaN without a value, and where one is missing or infinite: none is dropped."""
    array = np.asarray(values, dtype=float)
    return float(array.mean()) if len(array) and np.isfinite(array).all() else math.nan


def band(
    values: Sequence[float] | np.ndarray, examples: Sequence[np.ndarray] | None = None, seed: int = 0
) -> Band | None:
    """The band around the mean of `values`, one of each seed; None for fewer than two, or if one is not finite.

    Below ten seeds it is their range. From ten on it is the 95% percentile bootstrap of the mean from 2000 resamples,
    drawn from `seed`: over seeds, and with `examples` (the score of each test example of each run, in the same order in
    all) over test examples too, the same ones for all runs.
    """
    array = np.asarray(values, dtype=float)
    if len(array) < 2 or not np.isfinite(array).all():
        return None
    if len(array) < FEW:
        return Band(float(array.min()), float(array.max()), RANGE)
    table = _scores_of_examples(array, examples)
    rng = np.random.default_rng(seed)
    means = _drawn(rng, len(array)) @ (array[:, None] if table is None else table)
    of_each = means[:, 0] if table is None else (means * _drawn(rng, table.shape[1])).sum(axis=1)
    low, high = np.quantile(of_each, [0.025, 0.975])
    return Band(float(low), float(high), OF_SEEDS if table is None else OF_BOTH)


def _drawn(rng: np.random.Generator, n: int) -> np.ndarray:
    """(RESAMPLES, n): how often each of n things is drawn with replacement, as a share."""
    return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n


def _scores_of_examples(values: np.ndarray, examples: Sequence[np.ndarray] | None) -> np.ndarray | None:
    """(runs, examples); None where they are missing, differ in number, or their means are not the scores."""
    if examples is None or len(examples) != len(values) or len({len(one) for one in examples}) != 1:
        return None
    table = np.asarray(examples, dtype=float)
    same = table.shape[1] > 0 and np.allclose(table.mean(axis=1), values, rtol=1e-3, atol=1e-6)
    return table if same else None
