"""Intervals against closed forms and enumerated resamples (docs/science.md, check 12)."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis.intervals import iqm, iqm_interval, probability_of_improvement, wilson

finite = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_wilson_is_the_closed_form(n):
    z = 1.959963984540054
    for solved in range(n + 1):
        p = solved / n
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        assert wilson(solved, n) == pytest.approx((max(0, centre - half), min(1, centre + half)), abs=1e-12)


def test_wilson_of_no_run_is_no_interval():
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([3.0], 3.0),
        ([1.0, 2.0, 6.0], 3.0),
        ([100.0, 1.0, 2.0, -100.0], 1.5),
        ([9.0, 1.0, 2.0, 3.0, -7.0], 2.0),
        ([0, 0, 1, 2, 3, 4, 90, 90], 2.5),
        ([-math.inf, 0.1, 0.2, 0.3], (0.1 + 0.2) / 2),
        ([-math.inf, -math.inf, 0.2, 0.3], None),
    ],
)
def test_iqm_by_hand(values, expected):
    assert iqm(values) == (None if expected is None else pytest.approx(expected, abs=1e-12))


@given(st.lists(finite, min_size=1, max_size=30))
def test_iqm_is_the_mean_of_the_middle(values):
    cut = len(values) // 4
    middle = sorted(values)[cut : len(values) - cut]
    assert iqm(values) == pytest.approx(math.fsum(middle) / len(middle), rel=1e-9, abs=1e-9)


def test_interval_is_the_percentile_of_all_resamples():
    # Of two values there are four resamples, with IQM 0, 1/2, 1/2 and 1: the 2.5% and 97.5% points are the two values.
    assert iqm_interval([0.0, 1.0]) == (0.0, 1.0)
    # Of three, 27 resamples; the extreme means (0 and 3) have probability 1/27 > 2.5% each.
    means = [sum(drawn) / 3 for drawn in product([0.0, 1.0, 3.0], repeat=3)]
    assert iqm_interval([0.0, 1.0, 3.0]) == pytest.approx((min(means), max(means)), abs=1e-12)


def test_interval_has_a_seed():
    values = list(np.random.default_rng(0).normal(size=20))
    assert iqm_interval(values) == iqm_interval(values)
    assert iqm_interval(values, seed=1) != iqm_interval(values)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5, 0.5], [0.1, -math.inf, 0.3]])
def test_no_interval_where_resampling_says_nothing(values):
    assert iqm_interval(values) is None


def test_stratified_resamples_keep_the_size_of_each_stratum():
    # Of 0 1 | 10 10 the resamples are 0 0, 0 1, 1 0 and 1 1, each beside 10 10: IQM 5, 5.5, 5.5, 5.5.
    assert iqm_interval([0.0, 1.0], [10.0, 10.0]) == pytest.approx((5.0, 5.5), abs=1e-12)
    # One value cannot be resampled: it stays. The IQM of three values is their mean.
    assert iqm_interval([0.0, 1.0], [7.0]) == pytest.approx((7 / 3, 3.0), abs=1e-12)
    values = list(np.random.default_rng(0).normal(size=20))
    assert iqm_interval(values, []) == iqm_interval(values)


@pytest.mark.parametrize("strata", [([1.0, 1.0], [2.0, 2.0]), ([1.0], [2.0]), ([0.0, 1.0], [math.inf]), ()])
def test_no_stratified_interval_where_resampling_says_nothing(strata):
    assert iqm_interval(*strata) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_probability_of_improvement_is_a_share_of_pairs(pairs):
    a, b = zip(*pairs, strict=True)
    probability, low, high = probability_of_improvement(a, b)
    assert probability == pytest.approx(np.mean([(x > y) + 0.5 * (x == y) for x, y in pairs]), abs=1e-12)
    back, low_back, high_back = probability_of_improvement(b, a)
    assert (back, low_back, high_back) == pytest.approx((1 - probability, 1 - high, 1 - low), abs=1e-12)
    if all(x != y for x, y in pairs):
        wins = sum(x > y for x, y in pairs)
        assert (low, high) == pytest.approx(wilson(wins, len(pairs)), abs=1e-12)


def test_no_pair_gives_no_probability():
    assert probability_of_improvement([], []) is None


def test_nan_among_values():
    assert iqm([1.0, 2.0, 3.0, math.nan]) is None
    assert probability_of_improvement([math.nan, 1.0, math.nan], [0.0, math.nan, math.nan])[0] == 0.5
