"""Skill, solved and whether memory is asked, on levels made by hand; and of the tasks of the suite."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.errors import UserError
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.base import Task
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.forecasting import Forecasting
from rnnbench.tasks.sentiment import Sentiment
from rnnbench.tasks.skill import Levels

ACCURACY = Levels(0.5, 0.85, 0.01, higher_is_better=True)
ERROR = Levels(1.0, 0.01, 0.02, higher_is_better=False)
PERFECT = Levels(1 / 6, 0.0, 0.005, higher_is_better=False)


@pytest.mark.parametrize(
    ("levels", "score", "skill"),
    [
        (ACCURACY, 0.5, 0),
        (ACCURACY, 0.85, 1),
        (ACCURACY, 0.92, 1.2),
        (ACCURACY, 0.465, -0.1),
        (PERFECT, 1 / 6, 0),
        (PERFECT, 0.0, 1),
        (PERFECT, 1 / 12, 0.5),
        (ERROR, 1.0, 0),
        (ERROR, 0.01, 1),
        (ERROR, 0.1, 0.5),
        (ERROR, 100.0, -1),
        (ERROR, 0.001, 1.5),
        (ERROR, 0.0, math.inf),
        (ERROR, math.inf, math.nan),
        (ACCURACY, math.nan, math.nan),
    ],
)
def test_skill(levels, score, skill):
    assert levels.skill(score) == pytest.approx(skill, abs=1e-12, nan_ok=True)


def test_a_linear_skill_would_call_six_times_persistence_solved():
    """ETTh1, horizon 24: the training mean scores 1.908, ridge .0264."""
    levels = Levels(1.908, 0.0264, 0.016, higher_is_better=False)
    score = 6.5 * 0.0343
    assert (1.908 - score) / (1.908 - 0.0264) > 0.89
    assert levels.skill(score) == pytest.approx(math.log(1.908 / score) / math.log(1.908 / 0.0264))
    assert levels.skill(score) < 0.6
    assert not levels.solved(score, 0.01, None)


@pytest.mark.parametrize(
    ("levels", "score", "error", "threshold", "solved"),
    [
        (ACCURACY, 0.815, 0.01, None, True),  # skill .9
        (ACCURACY, 0.814, 0.01, None, False),
        (ACCURACY, 0.99, 0.001, 0.99, True),
        (ACCURACY, 0.98, 0.001, 0.99, False),
        (ERROR, 0.011, 0.001, None, True),  # 1.1 times the reference
        (ERROR, 0.01101, 0.001, None, False),
        (ERROR, 0.001, 0.001, None, True),
        (PERFECT, 0.01, 0.001, 0.01, True),
        (PERFECT, 0.0101, 0.001, 0.01, False),
        (PERFECT, 0.01, math.nan, 0.01, True),  # a score whose error nobody knows
        (PERFECT, math.nan, 0.001, 0.01, False),
        (PERFECT, math.inf, 0.001, 0.01, False),
        (ACCURACY, math.inf, 0.001, None, False),
        # Above the memoryless level by 2.33 standard errors of its own.
        (Levels(0.5, 0.52, 0.001, higher_is_better=True), 0.52, 0.01, None, False),
        (Levels(0.5, 0.52, 0.001, higher_is_better=True), 0.52, 0.008, None, True),
        (PERFECT, 0.01, 0.08, 0.01, False),
    ],
)
def test_solved(levels, score, error, threshold, solved):
    assert levels.solved(score, error, threshold) is solved


@pytest.mark.parametrize(
    ("levels", "asked"),
    [
        (ACCURACY, True),
        (Levels(0.5, 0.5233, 0.01, higher_is_better=True), False),
        (Levels(0.5, 0.5234, 0.01, higher_is_better=True), True),
        (Levels(0.5, 0.4, 0.0, higher_is_better=True), False),
        (Levels(0.5, 0.5, 0.0, higher_is_better=True), False),
        (Levels(1.0, 1.0, 0.0, higher_is_better=True), False),  # a split of one class
        (Levels(0.0, 0.0, 0.0, higher_is_better=False), False),  # a constant series
        (Levels(1.0, 0.96, 0.02, higher_is_better=False), False),
        (Levels(1.0, 0.95, 0.02, higher_is_better=False), True),
    ],
)
def test_where_no_memory_is_asked_skill_is_empty_and_nothing_is_solved(levels, asked):
    assert levels.ask_memory is asked
    assert math.isnan(levels.skill(levels.reference)) is not asked
    best = math.inf if levels.higher_is_better else -math.inf
    for score in (levels.reference, levels.memoryless, 1.0, 0.0, best):
        assert asked or not levels.solved(score, 0.0, None)


@given(
    memoryless=st.floats(0.01, 10), reference=st.floats(0, 10), score=st.floats(1e-3, 20), better=st.floats(1e-3, 20)
)
def test_a_better_score_has_more_skill(memoryless, reference, score, better):
    for rising in (True, False):
        levels = Levels(memoryless, reference, 0.0, rising)
        if not levels.ask_memory:
            continue
        low, high = sorted((levels.skill(score), levels.skill(better)))
        order = (score, better) if (score < better) == rising else (better, score)
        assert [levels.skill(one) for one in order] == [low, high]
        # What solves goes on to solve when it gets better.
        assert levels.solved(order[1], 0.0, None) >= levels.solved(order[0], 0.0, None)


SYNTHETIC = [
    CopyMemory(lag=3, symbols=1),
    Adding(lag=3),
    Adding(form="bai", lag=30),
    Sentiment(lag=3, source="synthetic", vocabulary=200, evidence=12, filler="decoy"),
    Forecasting(lag=3, source="synthetic", look_back=24, horizon=3),
    Forecasting(lag=3, source="synthetic", look_back=24, horizon=3, target="change"),
]


@pytest.mark.parametrize("task", SYNTHETIC, ids=lambda task: f"{type(task).__name__} {task.filler}")
@pytest.mark.parametrize("split", ["validation", "test"])
def test_skill_is_zero_at_the_memoryless_level_and_one_at_the_reference_of_its_split(task, split):
    memoryless, reference = task.memoryless(split), task.reference(split)
    assert task.better(reference, memoryless)
    assert task.asks_memory(split)
    assert task.skill(memoryless, split) == pytest.approx(0, abs=1e-12)
    assert task.skill(reference, split) == pytest.approx(1, abs=1e-12)
    assert task.solves(reference, 1e-3, split)
    assert not task.solves(memoryless, 1e-3, split)
    if split == "test":
        levels = task.levels()
        assert (levels["memoryless"], levels["reference"]) == (memoryless, reference)
        assert np.isfinite(list(levels.values())).all()
        assert ("position-blind" in levels) == (task.filler == "decoy")
    # Neither depends on the lag.
    assert (task.at_lag(40).memoryless(split), task.at_lag(40).reference(split)) == (memoryless, reference)


def test_a_level_that_is_no_number_is_told():
    class Broken(CopyMemory):
        def memoryless(self, split="test"):
            return math.nan

    with pytest.raises(UserError, match="the memoryless accuracy on the validation split is nan, not a finite number"):
        Broken(lag=2).skill(0.5, "validation")


def test_nothing_is_known_of_a_plug_in_but_its_memoryless_level():
    class Plain(CopyMemory):
        reference, levels, level_error = Task.reference, Task.levels, Task.level_error

    task = Plain(lag=2)
    assert task.levels() == {"memoryless": 0.125, "reference": 1.0}
    assert task.level_error() == 0
