"""The memory horizon, by hand and by its definition (docs/science.md, check 12)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis.horizon import Count, Horizon, horizons, memory_horizon
from rnnbench.analysis.summary import summary
from tests.analysis.tables import table


@pytest.mark.parametrize(
    ("solved", "lag", "text", "told"),
    [
        ({5: (5, 5), 10: (3, 5), 20: (2, 5)}, 10, "10", "10, 3 of 5; 20, 2 of 5"),
        ({20: (2, 5), 10: (5, 10), 5: (5, 5)}, 10, "10", "10, 5 of 10; 20, 2 of 5"),
        ({5: (5, 5), 10: (5, 5)}, 10, ">= 10", "10, 5 of 5"),
        ({0: (1, 1)}, 0, ">= 0", "0, 1 of 1"),
        ({5: (0, 5), 10: (1, 5)}, None, "-", "5, 0 of 5"),
        # One lag that fails by chance does not end it: the fit pools 2/5 and 4/5 to 3/5.
        ({5: (5, 5), 10: (2, 5), 20: (4, 5), 50: (0, 5)}, 20, "20", "20, 4 of 5; 50, 0 of 5"),
        # But two that fail pull down one that passes: (0 + 0 + 5) / 15.
        ({5: (5, 5), 10: (0, 5), 20: (0, 5), 50: (5, 5)}, 5, "5", "5, 5 of 5; 10, 0 of 5"),
        # Weighted by runs: 0/1 and 5/5 pool to 5/6.
        ({5: (0, 1), 10: (5, 5)}, 10, ">= 10", "10, 5 of 5"),
        # A lag at which no run ended is not tested.
        ({5: (5, 5), 10: (0, 0), 20: (5, 5), 50: (0, 5)}, 20, "20", "20, 5 of 5; 50, 0 of 5"),
        ({5: (0, 0)}, None, "?", ""),
        ({}, None, "?", ""),
    ],
)
def test_horizon_by_hand(solved, lag, text, told):
    found = memory_horizon(solved)
    assert (found.lag, str(found), found.told) == (lag, text, told)
    assert found.beyond == text.startswith(">")


@given(st.dictionaries(st.integers(0, 500), st.tuples(st.integers(0, 5), st.integers(5, 7)), min_size=1, max_size=8))
def test_horizon_keeps_its_definition(solved):
    """The fit at a lag is the lowest, over starts at or before it, of the highest mean of a stretch from there to it
    or beyond (min-max formula of isotonic regression)."""
    lags = sorted(solved)

    def mean(first: int, last: int) -> float:
        part = [solved[lag] for lag in lags[first : last + 1]]
        return sum(one for one, _ in part) / sum(n for _, n in part)

    fit = [min(max(mean(a, b) for b in range(at, len(lags))) for a in range(at + 1)) for at in range(len(lags))]
    passing = [lag for lag, value in zip(lags, fit, strict=True) if value >= 0.5 - 1e-9]
    found = memory_horizon(solved)
    assert found.lag == (passing[-1] if passing else None)
    assert found.beyond == (passing == lags)
    if found.lag is not None:
        # What ends a stretch of the fit is never below it.
        k, n = solved[found.lag]
        assert k / n >= 0.5


def test_with_one_run_a_lag_that_fails_and_one_that_passes_are_told_apart():
    assert memory_horizon({5: (1, 1), 10: (0, 1), 20: (1, 1)}).lag == 20
    assert memory_horizon({5: (1, 1), 10: (0, 1), 20: (0, 1), 50: (1, 1)}).lag == 5


def test_horizons_say_what_others_met():
    runs = table(
        *({"model": "gru", "lag": lag, "score": 1.0, "skill": 1.0, "solved": True} for lag in (5, 5, 10, 20)),
        *({"model": "lstm", "lag": lag, "score": 1.0, "skill": 1.0, "solved": True} for lag in (5, 10)),
        {"model": "lstm", "lag": 20, "status": "skipped"},
        {"model": "simple_rnn", "lag": 5, "status": "failed"},
    )
    result = horizons(summary(runs)).set_index("model")
    assert str(result.loc["gru", "horizon"]) == ">= 20"
    assert result.loc["gru", ["n_low", "n_high", "untested"]].tolist() == [1, 2, ()]
    assert result.loc["lstm", "horizon"] == Horizon(10, True, (Count(5, 1, 1), Count(10, 1, 1)))
    assert result.loc["lstm", "untested"] == (20,)
    assert str(result.loc["simple_rnn", "horizon"]) == "?"
    assert result.loc["simple_rnn", ["n_low", "n_high", "untested"]].tolist() == [0, 0, (5, 10, 20)]


def test_protocols_are_apart_and_clocks_are_counted():
    ended = {"lag": 5, "score": 1.0, "skill": 1.0, "solved": True}
    runs = table(
        {**ended, "training_lags": "fixed", "clock": 1.0}, {**ended, "training_lags": "fixed", "clock": 0.2},
        {**ended, "clock": None}, {**ended, "solved": False},
    )  # fmt: skip
    result = horizons(summary(runs)).set_index("training_lags")
    assert result["n_clock"].to_dict() == {"fixed": 1, "uniform": 0}
    assert result["n_high"].tolist() == [2, 2]
