"""The tables of the terminal: nothing cut, nothing interpreted, no line too long."""

from __future__ import annotations

import io
import re
from typing import ClassVar

import pytest
from rich.console import Console, RenderableType

from rnnbench.cli import values
from rnnbench.cli import tables as terminal
from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.status import GridStatus, Running
from rnnbench.report.headline import Row

HOSTILE = ["[red]x[/red]", "[/]", "\"quotes\" 'n' <b>tags</b>", "مرحبا בעולם", "n" * 300]
GRID = Experiment.model_validate(
    {
        "name": "hostile",
        "tasks": {
            label: {"task": "copy_memory", "lag": [5, 200], "examples": 40 + at} for at, label in enumerate(HOSTILE)
        },
        "models": {label: {"model": "gru", "units": 8 + at} for at, label in enumerate(HOSTILE)},
    }
)
FOUND = GridStatus(
    states={spec.signature: "running" if place < 2 else "finished" for place, spec in enumerate(GRID.runs)},
    running=[Running(GRID.runs[0], None, float("nan")), Running(GRID.runs[1], 1500, 0.25)],
    seconds_left=61,
)


def shown(what: RenderableType, width: int) -> str:
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, highlight=False).print(what)
    return text.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("what", [terminal.plan(GRID, 2), terminal.grid_status(GRID, FOUND)], ids=["plan", "status"])
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
    with pytest.raises(UserError, match="a label is text on one line without control characters"):
        Experiment.model_validate({"name": "n", "tasks": {"copy_memory": {}}, "models": {label: {"model": "gru"}}})


def test_no_column_is_lost_at_80_columns() -> None:
    models = {
        name: {"model": "gru", "units": 50 + at} for at, name in enumerate(("simple_rnn", "lstm_chrono", "gru_chrono"))
    }
    tasks = {
        name: {"task": "copy_memory", "lag": [5, 200], "examples": len(name)}
        for name in ("speech_commands", "forecasting_multivariate")
    }
    plan = terminal.plan(Experiment.model_validate({"name": "n", "tasks": tasks, "models": models}), 1)
    assert re.search(r"forecasting_multivariate +simple_rnn +5–200 ", shown(plan, 120))
    text = shown(plan, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r" lag +units +parameters +steps +runs +at most ", text)
    assert re.search(r"forecasting_mu\w+ +simple_rnn +5–200 +50 +[\d,–]+ +2,000 +2 +\d+ s", text)
    assert text.count("speech_commands") == 1


def test_status_as_plain_values() -> None:
    said = values.status(GRID, FOUND)
    assert said["counts"] == {"running": 2, "finished": len(GRID.runs) - 2}
    assert [run.get("step", "no") for run in said["runs"][:3]] == [None, 1500, "no"]
    assert [run.get("score", "no") for run in said["runs"][:3]] == [None, 0.25, "no"]
    assert said["runs"][0].keys() >= {"name", "signature", "task", "model", "lag", "filler", "seed", "state", "steps"}


def test_registered_things_as_plain_values() -> None:
    (lstm,) = values.registered(["lstm"])["models"].values()
    assert values.registered(["lstm"])["tasks"] == {}
    assert lstm["settings"]["units"]["default"] == 64
    assert lstm["settings"]["units"]["description"]
    assert {"copy_memory", "sentiment"} <= values.registered([])["tasks"].keys()
    with pytest.raises(UserError, match=r"unknown name .lstmm. \(did you mean .lstm.\?\)"):
        values.registered(["lstmm"])


class Found:
    """As `rnnbench.report.headline.Headline`."""

    heading = "Memory horizon"
    models: ClassVar = ["simple_rnn", "lstm [b]", "gru"]
    by_task: ClassVar = {("copy", "blank"): {"simple_rnn": "≥ 200", "lstm [b]": "–"}}
    rows: ClassVar = [Row("copy", "blank", "simple_rnn", "≥ 200"), Row("copy", "blank", "lstm [b]", "–")]


@pytest.mark.parametrize(
    ("width", "expected"),
    [(80, [r"task +filler +simple_rnn +lstm \[b\] +gru", r"copy +blank +≥ 200 +–"]),
     (36, [r"task +filler +model +horizon", r"copy +blank +simple_rnn +≥ 200", r"copy +blank +lstm \[b\] +–"])],
)  # fmt: skip
def test_the_headline_has_a_row_a_line_where_a_row_a_task_is_too_wide(width: int, expected: list[str]) -> None:
    text = shown(terminal.headline(Found, Console(width=width)), width)
    for pattern in expected:
        assert re.search(pattern, text)


def test_what_is_printed_can_be_pasted(tmp_path, monkeypatch) -> None:
    assert terminal.where(tmp_path / "my store", None) == f" --store '{tmp_path}/my store'"
    assert terminal.where(None, "http://h:1/?a b") == " --tracking-uri 'http://h:1/?a b'"
