"""The driver writes every event, counts how runs end, and stops in order."""

import pytest

from rnnbench.events import Diverged, Failed, Finished, Taken
from rnnbench.execution.driver import drive
from rnnbench.experiment import Experiment

RUNS = list(Experiment(name="d", tasks={"copy_memory": {"lag": [1, 2, 3]}}, models={"gru": {}}).runs)
A, B, C = (run.signature for run in RUNS)


class Scripted:
    workers = 1

    def __init__(self, *events):
        self.events = events
        self.cancelled = False

    def execute(self, specs):
        for event in self.events:
            if isinstance(event, BaseException):
                raise event
            yield event

    def cancel(self):
        self.cancelled = True


class Memory:
    def __init__(self):
        self.begun, self.written, self.interrupted = [], [], False

    def begin(self, spec):
        self.begun.append(spec.signature)

    def write(self, event):
        self.written.append(event)

    def interrupt(self):
        self.interrupted = True


def test_endings_are_counted_and_written():
    endings = [Finished(A, 1, {}), Diverged(B, 1, {}), Failed(C, "why")]
    events = [event for ending in endings for event in (Taken(ending.signature, 0), ending)]
    memory, watched = Memory(), []
    tally = drive(RUNS, Scripted(*events), memory, lambda spec, event: watched.append((spec.signature, event)))
    assert (tally.finished, tally.diverged, tally.failed) == (1, 1, {RUNS[2].name: "why"})
    assert memory.begun == [A, B, C]
    assert memory.written == endings
    assert [event for _, event in watched] == events


def test_ctrl_c_cancels_and_marks():
    executor, memory = Scripted(Taken(A, 0), KeyboardInterrupt()), Memory()
    tally = drive(RUNS, executor, memory, lambda *_: None)
    assert tally.interrupted
    assert executor.cancelled
    assert memory.interrupted


def test_a_store_that_fails_stops_the_workers():
    class Full(Memory):
        def write(self, event):
            raise OSError("no space left")

    executor = Scripted(Taken(A, 0), Finished(A, 1, {}))
    with pytest.raises(OSError, match="no space"):
        drive(RUNS, executor, Full(), lambda *_: None)
    assert executor.cancelled
