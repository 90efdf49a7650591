"""What a lag curve says, on curves made by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.lag_curve import clock, default_test_lags, generalises_to, shown_leads
from rnnbench.tasks.protocol import longest_lead


@pytest.mark.parametrize(
    ("least", "lag", "expected"),
    [
        (0, 100, [0, 25, 50, 75, 99, 100, 101, 150, 200]),
        (1, 50, [1, 12, 25, 37, 49, 50, 51, 75, 100]),
        (0, 0, [0, 1]),
        (1, 1, [1, 2]),
        (0, 1, [0, 1, 2]),
        (1, 2, [1, 2, 3, 4]),
        (30, 40, [30, 39, 40, 41, 60, 80]),
        (0, 20, [0, 5, 10, 15, 19, 20, 21, 30, 40]),
    ],
)
def test_the_default_test_lags(least, lag, expected):
    assert default_test_lags(least, lag) == expected


@given(least=st.integers(0, 20), above=st.integers(0, 500))
def test_test_lags_are_ascending_and_hold_the_lag_and_those_beside_it(least, above):
    lag = least + above
    found = default_test_lags(least, lag)
    assert found == sorted(set(found))
    assert found[0] == least
    assert {lag, lag + 1, 2 * lag} <= {*found, lag if not lag else 2 * lag}
    assert (lag - 1 in found) == (lag > least)


@pytest.mark.parametrize(
    ("lag", "expected"), [(0, [0, 1, 5, 20, 40]), (40, [0, 1, 5, 20, 40]), (400, [0, 1, 5, 200, 400])]
)
def test_the_shown_leads(lag, expected):
    assert shown_leads(lag) == expected
    assert {longest_lead(lag), 2 * longest_lead(lag)} <= set(expected)


@pytest.mark.parametrize(
    ("skill", "expected"),
    [
        ({49: 1.0, 50: 1.0, 51: 1.0}, 0.0),  # a latch
        ({49: 0.0, 50: 1.0, 51: 0.0}, 1.0),  # a delay line
        ({49: 1.0, 50: 1.0, 51: 0.0}, 1.0),  # the lower neighbour counts
        ({49: 0.9, 50: 0.8, 51: 0.4}, 0.5),
        ({49: -0.3, 50: 0.5}, 1.0),  # cut off at 0
        ({50: 0.5, 51: 0.25}, 0.5),  # at the shortest lag there is one neighbour
        ({49: 1.0, 50: 0.8, 51: 1.0}, -0.25),
        ({49: math.nan, 50: 1.0, 51: 1.0}, 1.0),  # a score that is none is no skill
        ({0: 1.0, 50: 1.0, 100: 1.0}, math.nan),  # nothing beside it
        ({49: 0.0, 50: 0.0, 51: 0.0}, math.nan),
        ({49: 0.0, 50: -0.1, 51: 0.0}, math.nan),
        ({49: 0.0, 50: math.nan, 51: 0.0}, math.nan),
        ({49: 0.0, 51: 0.0}, math.nan),
        ({}, math.nan),
    ],
)
def test_a_clock(skill, expected):
    assert clock(skill, 50) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(st.dictionaries(st.integers(0, 5), st.floats(-1, 2)), st.integers(0, 5), st.floats(0.1, 10))
def test_a_clock_does_not_depend_on_the_unit_of_skill(skill, lag, unit):
    scaled = {at: unit * value for at, value in skill.items()}
    assert clock(scaled, lag) == pytest.approx(clock(skill, lag), rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("solved", "expected"),
    [
        ({50: True}, 50),
        ({0: False, 49: False, 50: True, 51: True, 75: True, 100: True}, 100),
        ({50: True, 51: True, 75: False, 100: True}, 51),
        ({100: True, 50: True, 75: True, 51: False}, 50),  # in any order
    ],
)
def test_how_far_a_run_generalises(solved, expected):
    assert generalises_to(solved, 50) == expected


@pytest.mark.parametrize("solved", [{50: False, 100: True}, {100: True}, {}])
def test_nothing_generalises_from_a_lag_that_is_not_solved(solved):
    with pytest.raises(ValueError, match="lag 50 is not solved"):
        generalises_to(solved, 50)
