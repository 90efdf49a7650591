"""Kaplan-Meier curves and censored medians, worked out by hand (docs/science.md, check 12)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis.steps_to_solve import median_steps_to_solve, solving, unsolved
from tests.analysis.tables import table


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], None),
        ([200.0], 200.0),
        ([None], None),
        ([400.0, 200.0, 300.0], 300.0),
        ([400.0, None, 300.0, math.nan], 400.0),
        ([400.0, None, None], None),
        ([0.0, None], 0.0),
    ],
)
def test_median_steps_to_solve_is_censored(steps, expected):
    assert median_steps_to_solve(steps) == expected


def test_kaplan_meier_by_hand():
    """Solved at 100, 300 and 300; given up at 200 and 500; one diverged, which can never solve."""
    curve = unsolved([100, None, 300, 300.0, None, math.nan], [500, 200, 500, 500, 500, math.inf]).set_index("step")
    shares = [5 / 6, 5 / 6 * 2 / 4]
    assert curve.loc[[100, 300], "share"].tolist() == pytest.approx(shares, abs=1e-12)
    assert curve.loc[200, "share"] == curve.loc[100, "share"]
    assert curve["share"].iloc[-1] == curve.loc[300, "share"]
    # Greenwood's variance of log(-log S) after step 300, where 6 and then 4 runs were at risk.
    share, z = shares[-1], 1.959963984540054
    sigma = math.sqrt(1 / (6 * 5) + 2 / (4 * 2)) / abs(math.log(share))
    ends = [share ** math.exp(side * z * sigma) for side in (1, -1)]
    assert curve.loc[300, ["low", "high"]].tolist() == pytest.approx(ends, abs=1e-12)


def test_budgets_of_different_length_move_the_median():
    # One of four solved at 100; two gave up before anyone else solved: of the two left one solves at 300.
    steps, budgets = [100, None, None, 300], [500, 150, 150, 500]
    assert median_steps_to_solve(steps, budgets) == 300
    assert unsolved(steps, budgets)["share"].tolist() == pytest.approx([3 / 4, 3 / 4, 0.0], abs=1e-12)
    assert median_steps_to_solve([100, None, None, None], budgets) is None


@given(st.lists(st.integers(1, 9) | st.none(), min_size=1, max_size=12))
def test_with_one_budget_the_median_is_that_of_the_ordered_steps(steps):
    ordered = sorted(math.inf if step is None else step for step in steps)
    middle = ordered[math.ceil(len(ordered) / 2) - 1]
    assert median_steps_to_solve(steps, [10.0] * len(steps)) == (None if middle == math.inf else middle)


def test_solving_is_one_minus_kaplan_meier():
    curve = solving(
        table(
            {"lag": 5, "steps": 100, "steps_to_solve": 40.0, "solved": True},
            {"lag": 5, "steps": 60, "steps_to_solve": None},
            {"lag": 5, "steps": 100, "steps_to_solve": 80.0, "solved": True},
            {"lag": 5, "status": "failed"},
        )
    )
    # One of three by 40; the censored run leaves; then the one that is left.
    assert curve[["step", "share"]].to_numpy().tolist() == [
        [40, pytest.approx(1 / 3)], [60, pytest.approx(1 / 3)], [80, pytest.approx(1)]
    ]  # fmt: skip
    assert set(curve["n"]) == {3}
    first = curve.iloc[0]
    assert 0 < first["low"] < 1 / 3 < first["high"] < 1


def test_a_diverged_run_never_solves_its_task():
    rows = [
        {"lag": 5, "steps": 50, "steps_to_solve": None, "status": "diverged"},
        {"steps_to_solve": 80.0, "lag": 5, "solved": True},
    ]
    curve = solving(table(*rows).assign(steps=100))
    assert curve.loc[curve["step"] == 80, "share"].tolist() == [0.5]


def test_nan_among_steps():
    assert median_steps_to_solve([10, math.inf, math.nan], [20, 20, math.nan]) is None
