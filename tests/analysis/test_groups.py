"""What every statistic starts from."""

from __future__ import annotations

from rnnbench.analysis.groups import higher_is_better
from tests.analysis.tables import table


def test_the_direction_of_a_task_comes_from_its_declaration():
    rows = table({"score_name": "f1", "score": 0.5, "skill": 0.5, "higher_is_better": True})
    assert higher_is_better(rows)
    assert not higher_is_better(rows.assign(higher_is_better=False))
    assert higher_is_better(rows.drop(columns="higher_is_better"))
    assert not higher_is_better(rows.drop(columns="higher_is_better").assign(score_name="mse"))
