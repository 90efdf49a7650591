"""Success rates and means of few runs, with their 95% intervals: pure functions of arrays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from rnnbench.analysis.groups import ranked

_TRIM = 0.25
_RESAMPLES = 2000


def wilson(solved: int, n: int) -> tuple[float, float] | None:
    """95% Wilson score interval of a success rate (Wilson 1927); None without a run."""
    if n == 0:
        return None
    interval = stats.binomtest(solved, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def iqm(values: Sequence[float]) -> float | None:
    """Interquartile mean: the mean without the floor(n/4) lowest and highest values (Agarwal et al. 2021).

    None without a value, where one is NaN, and where an infinite one (a run without a score) is not trimmed away.
    """
    if len(values) == 0 or np.isnan(np.asarray(values, dtype=float)).any():
        return None
    mean = float(stats.trim_mean(np.asarray(values, dtype=float), _TRIM))
    return mean if math.isfinite(mean) else None


def iqm_interval(*strata: Sequence[float], seed: int = 0) -> tuple[float, float] | None:
    """95% percentile bootstrap interval of the IQM of all values, from 2000 resamples drawn from `seed`.

    Each stratum (the runs at one lag, say) is resampled separately, so that every resample has as many runs of it: the
    stratified bootstrap of Agarwal et al. 2021. A stratum of one value stays as it is. None where resampling tells
    nothing: no stratum with two different values, or a value that is not finite.
    """
    samples = [np.asarray(values, dtype=float) for values in strata if len(values)]
    drawn = [sample for sample in samples if len(sample) > 1]
    fixed = np.concatenate([sample for sample in samples if len(sample) == 1] or [np.empty(0)])
    if not all(np.isfinite(sample).all() for sample in samples) or not any(np.ptp(sample) for sample in drawn):
        return None

    def statistic(*resampled: np.ndarray, axis: int) -> np.ndarray:
        kept = np.broadcast_to(fixed, (*resampled[0].shape[:-1], len(fixed)))
        return stats.trim_mean(np.concatenate([*resampled, kept], axis=axis), _TRIM, axis=axis)

    interval = stats.bootstrap(
        drawn, statistic, n_resamples=_RESAMPLES, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    return float(interval.low), float(interval.high)


def iqm_columns(name: str, *strata: Sequence[float]) -> dict[str, float]:
    """The IQM of all values as `name`, and its interval as `name_low` and `name_high`; NaN where there is none."""
    mean = iqm(list(itertools.chain(*strata)))
    return {name: math.nan if mean is None else mean, **interval_columns(name, iqm_interval(*strata))}


def interval_columns(name: str, interval: tuple[float, float] | None) -> dict[str, float]:
    """An interval as `name_low` and `name_high`; NaN where there is none."""
    low, high = interval or (math.nan, math.nan)
    return {f"{name}_low": low, f"{name}_high": high}


def probability_of_improvement(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float] | None:
    """P(first > second) over pairs, a tie counting half, with its 95% Wilson interval: (probability, low, high).

    Values are paired by seed, so that what makes a seed easy or hard for both cancels; Agarwal et al. 2021 compare
    every run with every other. The interval treats the pairs as independent. It is not the bootstrap's, which shrinks
    to a point where a model wins all of three pairs. NaN is below every number. None without a pair.
    """
    a, b = (ranked(pd.Series(values, dtype=float)) for values in (first, second))
    if len(a) == 0:
        return None
    n, p = len(a), float(np.mean(np.where(a == b, 0.5, a > b)))
    z = float(stats.norm.ppf(0.975))
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return p, max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
