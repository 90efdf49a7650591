"""The tables of a grid: nothing cut, nothing interpreted, no line too long."""

from __future__ import annotations

import re

import pytest
from rich.console import RenderableType

from rnnbench.cli.views.plan import plan as plan_view
from rnnbench.cli.views.status import status as status_view
from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.status import GridStatus
from tests.cli.hostile_grid import FOUND, GRID, HOSTILE
from tests.cli.views.shown import shown
from tests.refusing_grid import refusing


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


def test_skipped_runs_stand_in_their_rows_with_a_line_for_the_reason() -> None:
    grid = refusing(models={"simple_rnn": {}, "short_rnn": {}, "both_ways": {}})
    lines = [
        "skipped: 2 runs (short_rnn; review; lag 20): it takes a lag of 10 at most",
        "skipped: 5 runs (both_ways; ",
    ]
    states = {spec.signature: "finished" for spec in grid.runs} | {spec.key: "skipped" for spec in grid.skipped}
    planned = shown(plan_view(grid, 2), 120)
    assert "carry: 8 runs, 7 skipped, equal units" in planned
    assert re.search(r"runs +skipped +at most", planned)
    assert re.search(r"review +simple_rnn .* 5 +\d+ s\s", planned)
    assert re.search(r" short_rnn .* 3 +2 +\d+ s\s", planned)
    assert re.search(r" both_ways .* 20 +5 +\n", planned)
    seen = shown(status_view(grid, GridStatus(states, [], None)), 120)
    assert re.search(r"finished +skipped", seen)
    assert re.search(r" short_rnn +3 +2 +\n +both_ways +5 +\n", seen)
    assert all(line in text for line in lines for text in (planned, seen))


def test_the_plan_of_a_grid_that_is_skipped_altogether_has_no_time() -> None:
    text = shown(plan_view(refusing(models={"both_ways": {}}), 2), 120)
    assert "carry: 0 runs, 5 skipped" in text
    assert "Every run of the grid is skipped: there is nothing to run." in text
    assert "About" not in text
