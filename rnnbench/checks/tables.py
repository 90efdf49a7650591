"""Check 12: the statistics on tables that were worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from rnnbench.analysis.comparisons import probability_of_improvement
from rnnbench.analysis.concordance import concordance
from rnnbench.analysis.horizon import memory_horizon
from rnnbench.analysis.intervals import band, clopper_pearson, mean
from rnnbench.analysis.steps_to_solve import median_steps_to_solve, unsolved
from rnnbench.checks.finding import Finding, equal, near

_AGARWAL = "Agarwal et al. 2021"
_EXACT = 1e-12


def means() -> Iterator[Finding]:
    """Few seeds have a range; ten have a bootstrap, whose width is that of the plain formula; none is dropped."""
    few = band([0.2, 0.9, 0.5])
    yield _near("band of 0.2 0.5 0.9, lower end", 0.2, few.low if few else None, "range of the seeds")
    yield _near("band of 0.2 0.5 0.9, upper end", 0.9, few.high if few else None, "range of the seeds")
    yield equal("12 mean of 1 and a missing score", "nan", str(mean([1.0, math.nan])), "definition")
    values = np.random.default_rng(12).normal(size=30)
    many = band(list(values))
    half = math.nan if many is None else (many.high - many.low) / 2
    plain = float(1.96 * values.std() / math.sqrt(len(values)))
    yield near("12 half width of the bootstrap of 30 draws", plain, half, 0.06 * plain, "1.96 standard errors")


def success() -> Iterator[Finding]:
    """Clopper and Pearson's interval, the probability of improvement, and concordance within cells."""
    # Of n in n runs the lower end p has p^n = 2.5%; of 2 in 3 it has 3 p^2 - 2 p^3 = 2.5%.
    source = "Clopper & Pearson 1934"
    yield _near("success of 5 of 5, lower end", 0.025**0.2, (clopper_pearson(5, 5) or (math.nan,))[0], source)
    low = (clopper_pearson(2, 3) or (math.nan,))[0]
    yield _near("success of 2 of 3, tail at the lower end", 0.025, 3 * low**2 - 2 * low**3, source)
    improvement = probability_of_improvement([0.9, 0.9, 0.5, 0.1], [0.8, 0.9, 0.6, 0.0], [0, 1, 0, 1])
    found = improvement.probability if improvement else math.nan
    yield _near("improvement: 2 wins, a tie, a loss", 2.5 / 4, found, _AGARWAL)
    within = concordance([3, 1, 2, 9], [True, False, True, True], "aaab", "xyxy")
    yield _near("concordance: 2 pairs in one cell, a cell of one class", 1.0, within.value, "definition")


def steps_to_solve() -> Iterator[Finding]:
    """Kaplan-Meier, by hand: solved at 100 and 300, given up at 200 and 300, one diverged."""
    curve = unsolved([100, None, 300, None, None], [500, 200, 500, 300, math.inf]).set_index("step")["share"]
    source = "Kaplan & Meier 1958"
    yield _near("unsolved after step 100 of 5 runs", 4 / 5, curve.loc[100], source)
    yield _near("unsolved after step 300, one censored before", 4 / 5 * 2 / 3, curve.loc[300], source)
    yield _near("median of 100, 300 and two that never solved", 300.0, _median([100, 300, None, None]), source)
    yield equal("12 median of 100 and two that never solved", "None", str(_median([100, None, None])), source)


def horizons() -> Iterator[Finding]:
    """The memory horizon is where the falling fit of the success rate passes one half."""
    cases: dict[str, dict[int, tuple[int, int]]] = {
        "10": {5: (5, 5), 10: (3, 5), 20: (2, 5)},
        "5": {5: (5, 5), 10: (0, 5), 20: (0, 5), 50: (5, 5)},
        "20": {5: (5, 5), 10: (2, 5), 20: (4, 5), 50: (0, 5)},
        ">= 20": {5: (5, 5), 10: (3, 5), 20: (5, 5)},
        "-": {5: (1, 5), 10: (2, 5)},
    }
    for expected, solved in cases.items():
        shown = ", ".join(f"{lag}: {k} of {n}" for lag, (k, n) in solved.items())
        yield equal(f"12 horizon of {shown}", expected, str(memory_horizon(solved)), "definition")


def _near(check: str, expected: float, found: float | None, source: str) -> Finding:
    return near(f"12 {check}", expected, math.nan if found is None else float(found), _EXACT, source)


def _median(steps: list[float | None]) -> float | None:
    return median_steps_to_solve(steps, [1000.0] * len(steps))
