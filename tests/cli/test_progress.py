"""What a person sees while a grid runs, on a terminal and in a log."""

import io
import os
import re
import sys
import time

import pytest
from rich.console import Console

from rnnbench import console
from rnnbench.cli.progress import GridProgress, is_live
from rnnbench.events import Dispatched, Diverged, Failed, Finished, Measured, Started
from rnnbench.experiment.definition import Experiment

RUNS = list(Experiment(name="p", tasks={"copy_memory": {"lag": [5, 10, 20]}}, models={"gru": {}}).runs)
A, B, C = RUNS
SCORES = {"validation/loss": 2.0794, "validation/accuracy": 0.125, "train/loss": 1.9}


class Screen(io.StringIO):
    def isatty(self):
        return True


def shown(terminal, width=80, pause=0.0):
    text = Screen() if terminal else io.StringIO()
    options = {"force_terminal": terminal, "force_interactive": terminal, "color_system": None}
    screen = Console(file=text, width=width, highlight=False, **options)
    with GridProgress(RUNS, workers=1, console=screen) as progress:
        for spec, ending in (
            (A, Finished(A.signature, 400, {"score": 1.0, "solved": 1.0, "seconds": 3.14})),
            (B, Diverged(B.signature, 17, {"score": 0.125, "solved": 0.0, "seconds": 1.0})),
            (C, Failed(C.signature, "ValueError: no")),
        ):
            progress(spec, Dispatched(spec.signature, 0))
            progress(spec, Started(spec.signature, 10))
            progress(spec, Measured(spec.signature, 0, {"validation/loss": 2.1, "validation/accuracy": 0.1}))
            progress(spec, Measured(spec.signature, 1000, SCORES))
            time.sleep(pause)
            progress(spec, ending)
    return text.getvalue()


def test_a_log_gets_one_plain_line_for_each_run():
    lines = shown(terminal=False).splitlines()
    assert lines == [
        "[1/3] gru T5 s0 copy_memory: solved, accuracy 1, 400 steps, 3.1 s",
        "[2/3] gru T10 s0 copy_memory: diverged, accuracy 0.125, 17 steps, 1.0 s  (0 s left)",
        "[3/3] gru T20 s0 copy_memory: FAILED: ValueError: no",
    ]


def test_a_terminal_sees_step_loss_score_and_failures():
    text = shown(terminal=True)
    assert "all runs" in text
    assert "[3/3] gru T20 s0 copy_memory: FAILED: ValueError: no" in text
    assert "[1/3]" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_the_live_table_keeps_to_its_width_and_shows_the_loss_where_there_is_room(width):
    text = shown(terminal=True, width=width, pause=0.6)
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", text)]
    live = [line for line in lines if "all runs" in line or ("copy_memory" in line and "FAILED" not in line)]
    assert {len(line) for line in live} == {width}
    assert ("loss 1.9" in text) == (width >= 100)


def test_a_log_stays_plain_where_colours_are_forced():
    """As on many CI machines."""
    text = io.StringIO()
    screen = Console(file=text, force_terminal=True, width=80)
    assert not is_live(screen)


def test_the_live_table_survives_its_terminal(monkeypatch):
    """The window is closed while the runs go on, or its encoding has no blocks for the bars."""
    window, terminal = os.openpty()
    monkeypatch.setattr(sys, "stdout", os.fdopen(terminal, "w", encoding="ascii"))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setenv("TERM", "xterm")
    with console.surviving() as output:
        screen = Console(highlight=False, force_interactive=True)
        assert is_live(screen)
        with GridProgress([A, B], workers=1, console=screen) as progress:
            progress(A, Dispatched(A.signature, 0))
            progress.say("–")
            assert not output.lost
            os.close(window)
            time.sleep(0.6)
            progress(A, Finished(A.signature, 400, {"score": 1.0, "seconds": 3.14}))
            progress(B, Dispatched(B.signature, 0))
            progress(B, Failed(B.signature, "ValueError: no –"))
    assert output.lost
