"""Check 12: the statistics on tables that were worked out by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from scipy import stats

from rnnbench.analysis.horizon import memory_horizon
from rnnbench.analysis.intervals import iqm, iqm_interval, probability_of_improvement, wilson
from rnnbench.analysis.steps_to_solve import median_steps_to_solve, unsolved
from rnnbench.checks.finding import Finding, equal, near

_AGARWAL = "Agarwal et al. 2021"
_EXACT = 1e-12


def interquartile_mean() -> Iterator[Finding]:
    """The IQM is the 25% trimmed mean; its interval holds the middle 95% of all resamples, stratum by stratum."""
    values = np.random.default_rng(12).normal(size=23)
    yield _near("IQM of 0 0 1 2 3 4 90 90", 2.5, iqm([0, 0, 1, 2, 3, 4, 90, 90]), _AGARWAL)
    yield _near("IQM of 23 draws: trimmed mean", float(stats.trim_mean(values, 0.25)), iqm(list(values)), _AGARWAL)
    means = [sum(drawn) / 3 for drawn in itertools.product([0.0, 1.0, 3.0], repeat=3)]
    low, high = iqm_interval([0.0, 1.0, 3.0]) or (math.nan, math.nan)
    yield _near("interval of 0 1 3, lower end", min(means), low, "all 27 resamples")
    yield _near("interval of 0 1 3, upper end", max(means), high, "all 27 resamples")
    low, high = iqm_interval([0.0, 1.0], [10.0, 10.0]) or (math.nan, math.nan)
    yield _near("interval of 0 1 | 10 10 by stratum, lower end", 5.0, low, "all 4 resamples")
    yield _near("interval of 0 1 | 10 10 by stratum, upper end", 5.5, high, "all 4 resamples")


def success() -> Iterator[Finding]:
    """Wilson's interval, and the probability of improvement over pairs."""
    # The ends are the roots of (p - 2/3)² = z² p (1 - p) / 3.
    z2 = stats.norm.ppf(0.975) ** 2
    low, high = sorted(np.roots([1 + z2 / 3, -(4 / 3 + z2 / 3), 4 / 9]))
    for end, expected, found in zip(("lower", "upper"), (low, high), wilson(2, 3) or (), strict=True):
        yield _near(f"success of 2 of 3, {end} end", float(expected), found, "Wilson 1927")
    improvement = probability_of_improvement([0.9, 0.9, 0.5, 0.1], [0.8, 0.9, 0.6, 0.0])
    yield _near("improvement: 2 wins, a tie, a loss", 2.5 / 4, improvement and improvement[0], _AGARWAL)


def steps_to_solve() -> Iterator[Finding]:
    """Kaplan-Meier, by hand: solved at 100 and 300, given up at 200 and 300, one diverged."""
    curve = unsolved([100, None, 300, None, None], [500, 200, 500, 300, math.inf]).set_index("step")["share"]
    source = "Kaplan & Meier 1958"
    yield _near("unsolved after step 100 of 5 runs", 4 / 5, curve.loc[100], source)
    yield _near("unsolved after step 300, one censored before", 4 / 5 * 2 / 3, curve.loc[300], source)
    yield _near("median of 100, 300 and two that never solved", 300.0, _median([100, 300, None, None]), source)
    yield equal("12 median of 100 and two that never solved", "None", str(_median([100, None, None])), source)


def horizons() -> Iterator[Finding]:
    """The memory horizon ends at the first lag that fails, whatever comes after it."""
    cases: dict[str, dict[int, float]] = {
        "10": {5: 1.0, 10: 0.5, 20: 0.4},
        "5": {5: 1.0, 10: 0.2, 20: 1.0},
        ">= 20": {5: 1.0, 10: 0.6, 20: 1.0},
        "-": {5: 0.4, 10: 1.0},
    }
    for expected, rates in cases.items():
        shown = ", ".join(f"{lag}: {rate:g}" for lag, rate in rates.items())
        yield equal(f"12 horizon of {shown}", expected, str(memory_horizon(rates)), "definition")


def _near(check: str, expected: float, found: float | None, source: str) -> Finding:
    return near(f"12 {check}", expected, math.nan if found is None else float(found), _EXACT, source)


def _median(steps: list[float | None]) -> float | None:
    return median_steps_to_solve(steps, [1000.0] * len(steps))
