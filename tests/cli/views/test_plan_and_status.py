"""The tables of a grid: nothing cut, nothing interpreted, no line too long."""

from __future__ import annotations

import re

import pytest
from rich.console import RenderableType

from rnnbench.cli.views.plan import plan as plan_view
from rnnbench.cli.views.status import status as status_view
from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from tests.cli.hostile_grid import FOUND, GRID, HOSTILE
from tests.cli.views.shown import shown


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("what", [plan_view(GRID, 2), status_view(GRID, FOUND)], ids=["plan", "status"])
def test_hostile_labels_are_text(what: RenderableType, width: int) -> None:
    text = shown(what, width)
    assert max(map(len, text.splitlines())) <= width
    words = "".join(text.split())
    for label in HOSTILE[:-1]:
        # At 80 columns a label of several words may be folded between them.
        parts = label.split() if width == 80 else ["".join(label.split())]
        assert all(part in words for part in parts)
    assert text.count("n" * 12) >= 10
    assert "  at most " in text or "  finished " in text


@pytest.mark.parametrize("label", ["a\nb", "\x1b[31m", "\u202egru", " "])
def test_labels_that_would_change_the_page_are_refused(label: str) -> None:
    with pytest.raises(UserError, match="a label must be one line of text without control characters"):
        Experiment.model_validate({"name": "n", "tasks": {"copy_memory": {}}, "models": {label: {"model": "gru"}}})


def test_no_column_is_lost_at_80_columns() -> None:
    models = {
        name: {"model": "gru", "units": 50 + at} for at, name in enumerate(("simple_rnn", "lstm_chrono", "gru_chrono"))
    }
    tasks = {
        name: {"task": "copy_memory", "lag": [5, 200], "examples": len(name)}
        for name in ("speech_commands", "forecasting_multivariate")
    }
    plan = plan_view(Experiment.model_validate({"name": "n", "tasks": tasks, "models": models}), 1)
    assert re.search(r"forecasting_multivariate +simple_rnn +5–200 ", shown(plan, 120))
    text = shown(plan, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r" lag +units +parameters +steps +runs +at most ", text)
    assert re.search(r"forecasting_mu\w+ +simple_rnn +5–200 +50 +[\d,–]+ +2,000 +2 +\d+ s", text)
    assert text.count("speech_commands") == 1
