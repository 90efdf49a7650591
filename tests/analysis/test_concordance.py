"""Does a quantity tell who will succeed: by hand, and where it tells nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis.concordance import concordance


def test_pairs_within_cells_by_hand():
    values = [0.9, 0.1, 0.5, 0.2, 0.2, 0.8, 0.7]
    success = [True, False, False, True, False, True, True]
    cells = ["a", "a", "a", "b", "b", "c", "c"]
    found = concordance(values, success, cells, "xyzxyxy")
    # a: two pairs in order; b: a tie; c: one class, left out.
    assert (found.value, found.pairs, found.clusters) == (2.5 / 3, 3, 3)
    assert found.low <= found.value <= found.high


def test_survival_that_only_follows_the_lag_tells_nothing_within_a_lag():
    rng = np.random.default_rng(0)
    lag = np.repeat([5, 50, 500], 40)
    survival, success = 1 / lag + rng.normal(0, 1e-9, 120), rng.random(120) < 20 / lag
    models = np.tile(np.arange(8), 15)
    within = concordance(survival, success, lag, models)
    alone = concordance(-lag, success, ["all"] * 120, models)
    assert alone.value > 0.75
    assert within.low < 0.5 < within.high


@pytest.mark.parametrize(
    ("values", "success"), [([], []), ([1.0, 2.0], [True, True]), ([1.0, math.nan], [True, False])]
)
def test_no_pair_is_no_answer(values, success):
    found = concordance(values, success, ["a"] * len(values), ["x"] * len(values))
    assert math.isnan(found.value)
    assert found.pairs == 0


def test_one_model_has_no_interval():
    found = concordance([1.0, 2.0], [False, True], "aa", "xx")
    assert (found.value, found.pairs) == (1.0, 1)
    assert math.isnan(found.low)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 2)), max_size=20))
def test_it_is_the_share_of_ordered_pairs(runs):
    pairs = [
        (a > b) + 0.5 * (a == b)
        for a, won, cell in runs for b, other, at in runs if won and not other and cell == at
    ]  # fmt: skip
    found = concordance(*([one[k] for one in runs] for k in range(3)), ["m"] * len(runs))
    assert found.pairs == len(pairs)
    assert math.isnan(found.value) if not pairs else found.value == pytest.approx(sum(pairs) / len(pairs))
