"""Skill between two levels, straight and logarithmic."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnbench.analysis.levels import asks_memory, linear_skill, skill
from tests.analysis.tables import table


@pytest.mark.parametrize(
    ("score", "memoryless", "reference", "higher", "expected"),
    [
        (0.75, 0.5, 1.0, True, 0.5), (0.5, 0.5, 1.0, True, 0.0), (0.9, 0.5, 0.8, True, 4 / 3),
        (0.01, 0.16, 0.0, False, 0.9375),
        # ETTh1: persistence, 6.5 times as good as it, and the reference itself (docs/science.md, section 3).
        (0.1, 1.6, 0.1, False, 1.0), (1.6, 1.6, 0.1, False, 0.0), (0.4, 1.6, 0.1, False, 0.5),
        (math.nan, 0.5, 1.0, True, math.nan), (0.5, 1.0, 1.0, True, math.nan), (0.0, 1.6, 0.1, False, math.inf),
    ],
)  # fmt: skip
def test_skill_by_hand(score, memoryless, reference, higher, expected):
    assert skill(score, memoryless, reference, higher) == pytest.approx(expected, nan_ok=True)


def test_the_line_from_score_to_skill_is_found_where_there_is_one():
    levels = {"memoryless": 0.5, "reference": 1.0, "lag": 5}
    runs = table({**levels, "score": 0.75, "skill": 0.5}, {**levels, "score": 1.0, "skill": 1.0})
    line = linear_skill(runs)
    assert line is not None
    assert line(np.array([0.5, 0.6])) == pytest.approx([0.0, 0.2])
    assert linear_skill(runs.assign(skill=[0.3, 1.0])) is None
    assert linear_skill(runs.assign(memoryless=[0.5, 0.4])) is None


def test_a_task_whose_runs_have_scores_and_no_skill_asks_no_memory():
    assert not asks_memory(table({"lag": 0, "score": 0.5}))
    assert asks_memory(table({"lag": 0, "score": 0.5, "skill": 0.1}))
    assert asks_memory(table({"lag": 0, "status": "failed"}))
