"""Rank correlation over all runs and within a lag, by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from rnnbench.analysis.correlation import rank_correlation


def test_association_within_strata_by_hand():
    lag = pd.Series([5, 5, 5, 50, 50, 50, 50])
    survival = pd.Series([0.9, 0.8, 0.7, 0.1, 0.2, 0.3, math.nan])
    skill = pd.Series([0.9, 0.8, 1.0, 0.1, 0.0, 0.2, 0.3])
    found = rank_correlation(survival, skill, lag)
    # Ranks 6 5 4 1 2 3 and 5 4 6 2 1 3: sum of d^2 is 1 + 1 + 4 + 1 + 1 + 0.
    assert found.n == 6
    assert found.rho == pytest.approx(1 - 6 * 8 / (6 * 35))
    # Within the lags: ranks 1 0 -1 and 0 -1 1; -1 0 1 and 0 -1 1.
    assert found.within == pytest.approx((0 + 0 - 1 + 0 + 0 + 1) / 4)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [1.0, 1.0, 1.0]])
def test_no_association_can_be_told(values):
    first = pd.Series(values, dtype=float)
    found = rank_correlation(first, pd.Series(range(len(values)), dtype=float), pd.Series([5] * len(values), dtype=int))
    assert (found.n, math.isnan(found.rho), math.isnan(found.within)) == (len(values), True, True)


def test_what_is_not_finite_is_left_out():
    pair = pd.Series([1.0, 2.0, 3.0, math.inf]), pd.Series([1.0, 2.0, 3.0, -5.0])
    assert rank_correlation(*pair, pd.Series([0, 0, 0, 0])).rho == pytest.approx(1)
