"""One definition of solved for counts, curves, medians and horizons."""

from __future__ import annotations

import math

from rnnbench.analysis.budgets import budgets, horizons_by_budget
from rnnbench.analysis.outcomes import clocks, solved, solving_steps
from rnnbench.analysis.summary import summary
from tests.analysis.tables import table

OK = {"lag": 5, "score": 1.0, "skill": 1.0, "steps": 1000, "solved": True}
NO = {"lag": 5, "score": 0.1, "skill": 0.0, "steps": 1000, "solved": False}


def test_only_a_finished_run_that_was_judged_so_has_solved():
    runs = table(OK, NO, {**OK, "solved": None}, {**OK, "status": "diverged"})
    assert solved(runs).tolist() == [True, False, False, False]


def test_a_run_solves_at_its_first_solved_validation_or_at_its_end():
    runs = table(
        {**OK, "steps_to_solve": 300}, OK, {**NO, "steps_to_solve": 200}, {**NO, "status": "diverged", "steps": 40}
    )
    found = solving_steps(runs)
    assert found["step"].tolist()[:2] == [300, 1000]
    assert found["step"].isna().tolist() == [False, False, True, True]
    assert found["end"].tolist() == [1000, 1000, 1000, math.inf]


def test_three_of_five_solved_has_a_median():
    """Also where a validation of a solved run never met the score, and where one of an unsolved run did."""
    runs = table({**OK, "steps_to_solve": 300}, OK, {**OK, "steps_to_solve": 600}, {**NO, "steps_to_solve": 100}, NO)
    (row,) = summary(runs).to_dict("records")
    assert (row["n_solved"], row["n"], row["steps_to_solve"]) == (3, 5, 1000)


def test_a_clock_loses_more_than_half_of_its_skill_one_step_aside():
    runs = table({**OK, "clock": 0.51}, {**OK, "clock": 0.5}, {**OK, "clock": None}, {**NO, "clock": 0.9})
    assert clocks(runs).tolist() == [True, False, False, False]


def test_budgets_double_up_to_the_longest_training():
    assert budgets(1500) == [250, 500, 1000, 1500]
    assert budgets(1000) == [250, 500, 1000]
    assert budgets(100) == [100]


def test_the_horizon_against_the_budget_by_hand():
    runs = table(
        {**OK, "lag": 5, "steps_to_solve": 200}, {**OK, "lag": 5, "steps_to_solve": 240},
        {**OK, "lag": 20, "steps_to_solve": 400}, {**NO, "lag": 20},
        {**OK, "lag": 50, "steps_to_solve": 900}, {**OK, "lag": 50, "steps_to_solve": 1000},
    )  # fmt: skip
    found = horizons_by_budget(runs)
    # At 1,000 the fit pools 1/2 and 2/2 to 3/4.
    assert dict(zip(found["budget"], found["horizon"].map(str), strict=True)) == {250: "5", 500: "20", 1000: ">= 50"}
    assert found["horizon"].iloc[-1].told == "50, 2 of 2"


def test_no_step_has_no_budget():
    assert horizons_by_budget(table()).empty
    assert horizons_by_budget(table({**NO, "steps": None, "status": "diverged"})).empty
