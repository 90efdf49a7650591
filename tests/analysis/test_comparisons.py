"""Models against each other, on tables small enough to follow by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis.comparisons import improvements, probability_of_improvement
from tests.analysis.tables import table


def paired() -> pd.DataFrame:
    """Two lines at the lags 5 and 10, one of them also at 20, with a seed that only one line ran and a divergence."""
    lstm = [(5, 0, 0.8), (5, 1, 0.9), (10, 0, 0.1), (10, 1, 0.2), (20, 0, 0.0)]
    gru = [(5, 0, 0.9), (5, 1, 0.9), (5, 2, 0.7), (10, 0, 0.0), (10, 1, None)]
    rows = [
        {
            "model": model,
            "lag": lag,
            "seed": seed,
            "skill": skill,
            "status": "diverged" if skill is None else "finished",
        }
        for model, points in (("lstm", lstm), ("gru", gru))
        for lag, seed, skill in points
    ]
    return table(*rows)


def test_improvements_pair_by_lag_and_seed():
    result = improvements(paired()).set_index(["model", "other"])
    # 0.8 < 0.9, 0.9 = 0.9, 0.1 > 0.0, 0.2 > diverged.
    assert result.loc[("lstm", "gru"), ["lags", "n", "n_seeds", "probability"]].tolist() == [2, 4, 2, 2.5 / 4]
    assert result.loc[("gru", "lstm"), "probability"] == 1.5 / 4
    assert len(result) == 2


def test_protocols_are_not_compared_with_each_other():
    fixed = table({"lag": 5, "skill": 0.5, "training_lags": "fixed"}, {"lag": 5, "skill": 0.6, "model": "gru"})
    assert improvements(fixed).empty


def test_seeds_are_the_clusters_and_not_the_pairs():
    """Two seeds, one ahead at all of fifty lags, the other never: as uncertain as two pairs."""
    wins = np.repeat([1.0, 0.0], 50)
    found = probability_of_improvement(wins, [0.5] * 100, np.repeat([0, 1], 50))
    assert found is not None
    assert (found.probability, found.low, found.high, found.pairs, found.seeds) == (0.5, 0.0, 1.0, 100, 2)


def test_the_interval_is_the_percentile_of_all_resamples_of_seeds():
    # Of three seeds, 27 resamples; the ends (0 of 3 and 3 of 3) have probability 1/27 and 8/27, both above 2.5%.
    found = probability_of_improvement([1.0, 1.0, 0.0], [0.5] * 3, [0, 1, 2])
    assert found is not None
    assert (found.low, found.high) == (0.0, 1.0)


def test_a_single_line_is_compared_with_none():
    assert improvements(table({"lag": 5, "skill": 0.5})).empty
    assert improvements(table()).empty


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=12))
def test_probability_of_improvement_is_a_share_of_pairs(pairs):
    a, b, seeds = zip(*pairs, strict=True)
    found = probability_of_improvement(a, b, seeds)
    assert found.probability == pytest.approx(np.mean([(x > y) + 0.5 * (x == y) for x, y, _ in pairs]), abs=1e-12)
    back = probability_of_improvement(b, a, seeds)
    assert back.probability == pytest.approx(1 - found.probability, abs=1e-12)
    if len(set(seeds)) == 1:
        assert math.isnan(found.low)
    else:
        assert (back.low, back.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-9)


def test_no_pair_gives_no_probability():
    assert probability_of_improvement([], [], []) is None
    assert (
        probability_of_improvement([math.nan, 1.0, math.nan], [0.0, math.nan, math.nan], [0, 1, 2]).probability == 0.5
    )
