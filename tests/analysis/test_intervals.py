"""Intervals against closed forms and enumerated resamples (docs/science.md, check 12)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rnnbench.analysis.intervals import OF_BOTH, OF_SEEDS, RANGE, Band, band, clopper_pearson, mean


@pytest.mark.parametrize("n", [1, 2, 5, 10, 30])
def test_clopper_pearson_inverts_the_binomial_test(n):
    for solved in range(n + 1):
        low, high = clopper_pearson(solved, n)
        # At each end the observed count, or one further from the rate, has a probability of 2.5%.
        if solved:
            assert stats.binom.sf(solved - 1, n, low) == pytest.approx(0.025, abs=1e-9)
        if solved < n:
            assert stats.binom.cdf(solved, n, high) == pytest.approx(0.025, abs=1e-9)
        assert (low == 0, high == 1) == (solved == 0, solved == n)


@pytest.mark.parametrize("n", [1, 3, 5, 8])
@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.85])
def test_clopper_pearson_covers_at_any_n(n, rate):
    covered = 0.0
    for solved in range(n + 1):
        low, high = clopper_pearson(solved, n)
        covered += stats.binom.pmf(solved, n, rate) * (low <= rate <= high)
    assert covered >= 0.95


def test_closed_forms_at_the_ends():
    assert clopper_pearson(5, 5) == pytest.approx((0.025 ** (1 / 5), 1.0), abs=1e-12)
    assert clopper_pearson(0, 5) == pytest.approx((0.0, 1 - 0.025 ** (1 / 5)), abs=1e-12)
    assert clopper_pearson(0, 0) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), ([3.0], 3.0), ([1, 2, 6], 3.0), ([1, math.nan], None), ([1, -math.inf], None)],
)
def test_a_mean_drops_nothing(values, expected):
    found = mean(values)
    assert math.isnan(found) if expected is None else found == expected


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9))
def test_below_ten_seeds_a_band_is_their_range(values):
    assert band(values) == Band(min(values), max(values), RANGE)


@pytest.mark.parametrize("values", [[], [0.5], [0.1, math.nan, 0.3], [0.1] * 9 + [math.inf]])
def test_no_band_where_seeds_say_nothing(values):
    assert band(values) is None


def test_from_ten_seeds_on_it_is_the_bootstrap_of_the_mean():
    values = list(np.random.default_rng(1).normal(size=40))
    found = band(values)
    assert found is not None
    assert found.kind == OF_SEEDS
    # The bootstrap's standard error of a mean is that of the plain formula (with n, not n - 1).
    half = 1.96 * np.std(values) / math.sqrt(40)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.06)
    assert band(values) == found != band(values, seed=1)


def test_two_of_ten_seeds_at_chance_show_in_mean_and_band():
    values = [1.0] * 8 + [0.1] * 2
    found = band(values)
    assert mean(values) == pytest.approx(0.82)
    assert found is not None
    assert found.low < 0.65 < found.high


def test_test_examples_are_drawn_together_for_all_seeds():
    """Ten seeds that answer alike: only the test examples are uncertain, and they are the same for all seeds."""
    rng = np.random.default_rng(0)
    answers = (rng.random(400) < 0.8).astype(float)
    found = band([answers.mean()] * 10, [answers] * 10)
    assert found is not None
    assert found.kind == OF_BOTH
    half = 1.96 * math.sqrt(answers.mean() * (1 - answers.mean()) / 400)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.06)
    # Examples that do not belong to the scores are not used.
    other = band([0.5] * 10, [answers] * 10)
    assert other is not None
    assert (other.low, other.high, other.kind) == (pytest.approx(0.5), pytest.approx(0.5), OF_SEEDS)
