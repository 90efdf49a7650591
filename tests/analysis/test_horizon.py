"""The memory horizon, by hand and by its definition (docs/science.md, check 12)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis.groups import skipped
from rnnbench.analysis.horizon import Horizon, horizons, memory_horizon
from rnnbench.analysis.summary import summary
from tests.analysis.tables import table


@pytest.mark.parametrize(
    ("success", "expected", "text"),
    [
        ({5: 1.0, 10: 0.6, 20: 0.4}, Horizon(10), "10"),
        ({20: 0.4, 10: 0.5, 5: 1.0}, Horizon(10), "10"),
        ({5: 1.0, 10: 1.0}, Horizon(10, beyond=True), ">= 10"),
        ({0: 1.0}, Horizon(0, beyond=True), ">= 0"),
        ({5: 0.4, 10: 1.0}, Horizon(None, again=(10,)), "-"),
        ({5: 1.0, 10: 0.2, 20: 1.0, 50: 0.0}, Horizon(5, again=(20,)), "5"),
        ({5: 1.0, 10: None, 20: 1.0}, Horizon(5, unknown=10, again=(20,)), "5"),
        ({5: math.nan, 10: 1.0}, Horizon(None, unknown=5, again=(10,)), "?"),
        ({}, Horizon(None), "-"),
    ],
)
def test_horizon_by_hand(success, expected, text):
    assert memory_horizon(success) == expected
    assert str(memory_horizon(success)) == text


@given(st.dictionaries(st.integers(0, 500), st.none() | st.floats(0, 1), min_size=1))
def test_horizon_keeps_its_definition(success):
    horizon = memory_horizon(success)
    lags = sorted(success)
    passing = [lag for lag in lags if success[lag] is not None and success[lag] >= 0.5]
    prefix = [lag for i, lag in enumerate(lags) if lags[: i + 1] == passing[: i + 1]]
    assert horizon.lag == (prefix[-1] if prefix else None)
    assert horizon.beyond == (prefix == lags)
    assert list(horizon.again) == passing[len(prefix) :]
    if horizon.unknown is not None:
        assert horizon.unknown == lags[len(prefix)]
        assert success[horizon.unknown] is None


def test_horizons_use_the_grid_of_all_models():
    runs = table(
        *({"model": "gru", "lag": lag, "score": 1.0, "skill": 1.0, "solved": True} for lag in (5, 5, 10, 20)),
        *({"model": "lstm", "lag": lag, "score": 1.0, "skill": 1.0, "solved": True} for lag in (5, 20)),
    )
    result = horizons(summary(runs)).set_index("model")
    assert result.loc["gru", "horizon"] == Horizon(20, beyond=True)
    assert result.loc["gru", ["n_low", "n_high"]].tolist() == [1, 2]
    assert result.loc["lstm", "horizon"] == Horizon(5, unknown=10, again=(20,))
    assert not result.loc["lstm", "unjudged"]


def test_a_skipped_lag_ends_a_horizon_where_others_met_it_and_is_no_missing_seed():
    solved = {"score": 1.0, "skill": 1.0, "solved": True}
    runs = table(
        *({"model": "gru", "lag": lag, **solved} for lag in (5, 5, 10, 10)),
        *({"model": "lstm", "lag": 5, **solved} for _ in range(2)),
        *(
            {"model": model, "lag": lag, "status": "skipped"}
            for model, lag in (("lstm", 10), ("lstm", 20), ("gru", 20))
        ),
    )
    result = horizons(summary(runs), skipped(runs)).set_index("model")
    # Nobody met lag 20.
    assert result.loc["gru", "horizon"] == Horizon(10, beyond=True)
    assert result.loc["lstm", "horizon"] == Horizon(5, unknown=10)
    assert result.loc["lstm", ["n_low", "n_high", "unjudged", "skipped"]].tolist() == [2, 2, False, True]
    assert result["skipped"].tolist() == [False, True]
