"""Solved relative to a model's own skill at lag 0."""

from __future__ import annotations

import math

import pytest

from rnnbench.analysis.solved import with_relative_solved
from rnnbench.analysis.summary import summary
from tests.analysis.tables import table


def test_relative_solved_is_nine_tenths_of_the_median_at_lag_0():
    runs = table(
        *({"task": "sentiment", "lag": 0, "skill": skill} for skill in (0.5, 0.6, 0.1)),
        {"task": "sentiment", "lag": 50, "skill": 0.45},
        {"task": "sentiment", "lag": 50, "skill": 0.4499},
        {"task": "sentiment", "lag": 50, "status": "diverged"},
        {"task": "sentiment", "lag": 50, "status": "failed"},
    )
    solved = with_relative_solved(runs)["solved"]
    assert solved[:6].tolist() == [True, True, False, True, False, False]
    assert solved.isna().tolist() == [False] * 6 + [True]
    assert runs["solved"].isna().all()


def test_relative_solved_needs_a_positive_skill_at_lag_0():
    nothing_learned = table({"lag": 0, "skill": -0.2}, {"lag": 10, "skill": 0.0})
    assert with_relative_solved(nothing_learned)["solved"].tolist() == [False, False]
    diverged_at_0 = table({"lag": 0, "status": "diverged"}, {"lag": 10, "skill": 0.5})
    assert with_relative_solved(diverged_at_0)["solved"].tolist() == [False, False]


@pytest.mark.parametrize("at_zero", [[], [{"lag": 0, "status": "failed"}]])
def test_relative_solved_is_missing_without_lag_0(at_zero):
    runs = with_relative_solved(table({"lag": 10, "skill": 0.9}, {"lag": 10, "status": "diverged"}, *at_zero))
    assert runs["solved"].isna().tolist() == [True, False] + [True] * len(at_zero)
    assert not runs["solved"][1]
    row = summary(runs).query("lag == 10").iloc[0]
    assert row["n"] == 2
    assert math.isnan(row["n_solved"])
    assert math.isnan(row["success"])


def test_relative_solved_keeps_groups_apart_and_fixed_rules_alone():
    runs = table(
        {"model": "gru", "lag": 0, "skill": 0.2},
        {"model": "gru", "lag": 10, "skill": 0.19},
        {"model": "lstm", "lag": 0, "skill": 0.9},
        {"model": "lstm", "lag": 10, "skill": 0.19},
        {"model": "lstm", "filler": "distractor", "lag": 10, "skill": 0.9},
        {"task": "adding", "lag": 0, "skill": 0.9, "solved": False},
    )
    solved = with_relative_solved(runs)["solved"]
    assert solved.drop(4).tolist() == [True, True, True, False, False]
    assert solved.isna()[4]


def test_a_score_that_is_no_number_keeps_no_skill():
    runs = table({"lag": 0, "skill": 0.9}, {"lag": 5, "skill": math.inf}, {"lag": 5, "skill": math.nan},
                 {"lag": 5, "skill": 0.85})  # fmt: skip
    assert with_relative_solved(runs)["solved"].tolist() == [True, False, False, True]
    unreal = table({"lag": 0, "skill": math.inf}, {"lag": 5, "skill": 0.9})
    assert with_relative_solved(unreal)["solved"].tolist() == [False, False]
