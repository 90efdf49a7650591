"""What a person sees while a grid runs, on a terminal and in a log."""

import io

import pytest
from rich.console import Console

from rnnbench.events import Diverged, Failed, Finished, Measured, Started, Taken
from rnnbench.experiment import Experiment
from rnnbench.progress import GridProgress, duration

RUNS = list(Experiment(name="p", tasks={"copy_memory": {"lag": [5, 10, 20]}}, models={"gru": {}}).runs)
A, B, C = RUNS
SCORES = {"validation/loss": 2.0794, "validation/accuracy": 0.125, "train/loss": 1.9}


def shown(terminal):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=80, highlight=False, color_system=None)
    with GridProgress(RUNS, workers=1, console=console) as progress:
        for spec, ending in (
            (A, Finished(A.signature, 400, {"score": 1.0, "solved": 1.0, "seconds": 3.14})),
            (B, Diverged(B.signature, 17, {"score": 0.125, "solved": 0.0, "seconds": 1.0})),
            (C, Failed(C.signature, "ValueError: no")),
        ):
            progress(spec, Taken(spec.signature, 0))
            progress(spec, Started(spec.signature, 10))
            progress(spec, Measured(spec.signature, 0, {"validation/loss": 2.1, "validation/accuracy": 0.1}))
            progress(spec, Measured(spec.signature, 1000, SCORES))
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


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (89.4, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (36_000, "10.0 h")],
)
def test_durations(seconds, expected):
    assert duration(seconds) == expected
