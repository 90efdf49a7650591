"""The driver writes every event, counts how runs end, and stops in order."""

import dataclasses
import os
import signal
import threading

import pytest

from rnnbench.errors import UserError
from rnnbench.events import Dispatched, Diverged, Failed, Finished, Measured, Warned
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.driver import drive
from rnnbench.execution.holder import Holder
from rnnbench.execution.leases import Leases
from rnnbench.experiment.definition import Experiment
from rnnbench.training.snapshot import Snapshot

RUNS = list(Experiment(name="d", tasks={"copy_memory": {"lag": [1, 2, 3]}}, models={"gru": {}}).runs)
A, B, C = (run.signature for run in RUNS)


class Scripted:
    """Says what it is told to, of the runs that are its to do."""

    workers = 1

    def __init__(self, *events):
        self.events = events
        self.cancelled = False
        self.asked = []

    def execute(self, specs, claim):
        claimed = {spec.signature for spec in specs if claim(spec)}
        self.asked.append(claimed)
        for event in self.events:
            if callable(event):
                event()
            elif event.signature in claimed:
                yield event

    def cancel(self):
        self.cancelled = True


class Memory:
    def __init__(self, done=()):
        self.begun, self.written, self.interrupted, self.done = [], [], False, set(done)

    def begin(self, spec, resumed=False):
        self.begun.append((spec.signature, resumed))

    def write(self, event):
        self.written.append(event)

    def interrupt(self):
        self.interrupted = True

    def is_done(self, signature):
        return signature in self.done

    def back_up(self, now=False):
        return True


def quiet(*_):
    pass


def raise_signal(number):
    return lambda: signal.raise_signal(number)


def test_endings_are_counted_and_written():
    endings = [Finished(A, 1, {}), Diverged(B, 1, {}), Failed(C, "why")]
    events = [event for ending in endings for event in (Dispatched(ending.signature, 0), ending)]
    memory, watched = Memory(), []
    tally = drive(RUNS, Scripted(*events), memory, lambda spec, event: watched.append((spec.signature, event)))
    assert (tally.finished, tally.diverged, tally.failed) == (1, 1, {RUNS[2].name: "why"})
    assert memory.begun == [(A, False), (B, False), (C, False)]
    assert memory.written == endings
    assert [event for _, event in watched] == events
    assert tally.signal is None


def test_a_run_that_goes_on_is_begun_as_such_and_warnings_are_only_shown():
    warning, memory, watched = Warned(A, "look out"), Memory(), []
    events = Dispatched(A, 0, resumed=True), warning, Finished(A, 1, {})
    drive(RUNS[:1], Scripted(*events), memory, lambda _, event: watched.append(event))
    assert memory.begun == [(A, True)]
    assert memory.written == [events[-1]]
    assert watched == list(events)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_in_order(number):
    told, memory = threading.Event(), Memory()
    executor = Scripted(Dispatched(A, 0), raise_signal(number), Measured(A, 1, {}))
    before = signal.getsignal(number)
    tally = drive(RUNS, executor, memory, quiet, say=lambda line: told.set())
    assert tally.signal == number
    assert executor.cancelled
    assert memory.written == [Measured(A, 1, {})]  # What still comes is written.
    assert memory.interrupted
    assert told.wait(5)
    assert signal.getsignal(number) is before


def test_the_second_signal_ends_at_once():
    executor = Scripted(Dispatched(A, 0), raise_signal(signal.SIGTERM), raise_signal(signal.SIGINT), Finished(A, 1, {}))
    memory = Memory()
    tally = drive(RUNS, executor, memory, quiet)
    assert tally.signal == signal.SIGTERM
    assert (tally.finished, memory.written, memory.interrupted) == (0, [], True)


def test_a_store_that_fails_stops_the_workers():
    class Full(Memory):
        def write(self, event):
            raise OSError("no space left")

    executor = Scripted(Dispatched(A, 0), Finished(A, 1, {}))
    with pytest.raises(OSError, match="no space"):
        drive(RUNS, executor, Full(), quiet)
    assert executor.cancelled


def test_a_checkpoint_goes_with_the_result_but_stays_with_bad_luck(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for signature in (A, B, C):
        checkpoints.save(signature, Snapshot(0.0, {}, {}))
    endings = Finished(A, 1, {}), Failed(B, "its worker process died"), Failed(C, "ValueError", traceback="File ...")
    drive(RUNS, Scripted(*endings), Memory(), quiet, checkpoints=checkpoints)
    assert [path.name for path in tmp_path.iterdir()] == [f"{B}.checkpoint"]


def test_a_checkpoint_stays_until_the_store_is_copied(tmp_path):
    class Busy(Memory):
        def back_up(self, now=False):
            assert now or checkpoints.load(A) is not None
            return now

    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(A, Snapshot(0.0, {}, {}))
    drive(RUNS, Scripted(Finished(A, 1, {}), Finished(B, 1, {})), Busy(), quiet, checkpoints=checkpoints)
    assert checkpoints.load(A) is None


def test_a_result_that_was_not_written_leaves_its_checkpoint(tmp_path):
    class Full(Memory):
        def write(self, event):
            raise UserError("no space left")

    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(A, Snapshot(0.0, {}, {}))
    with pytest.raises(UserError):
        drive(RUNS, Scripted(Finished(A, 1, {})), Full(), quiet, checkpoints=checkpoints)
    assert checkpoints.load(A) is not None


def test_runs_that_another_driver_holds_are_left_to_it(tmp_path):
    endings = [Finished(signature, 1, {}) for signature in (A, B, C)]
    with Leases(tmp_path) as other, Leases(tmp_path) as ours:
        assert other.claim(A)
        executor, memory = Scripted(*endings), Memory(done=[B])
        tally = drive(RUNS, executor, memory, quiet, leases=ours)
        assert (tally.finished, tally.elsewhere, tally.done_elsewhere) == (1, 1, 1)
        assert memory.written == [Finished(C, 1, {})]
        assert ours.taken([A, B, C]) == {A}


def test_runs_that_another_driver_gives_up_are_taken_over(tmp_path):
    with Leases(tmp_path) as other, Leases(tmp_path) as ours:
        assert other.claim(A)
        executor = Scripted(lambda: other.release(A), *(Finished(signature, 1, {}) for signature in (A, B, C)))
        tally = drive(RUNS, executor, Memory(), quiet, leases=ours)
        assert (tally.finished, tally.elsewhere) == (3, 0)
        assert executor.asked == [{B, C}, {A}]


def leave_lease(directory):
    """The lease of A, fresh, of a driver on another machine of which nobody here can tell whether it lives."""
    holder = dataclasses.replace(Holder.here(directory.stat().st_dev), host="pod-1", machine="another kernel")
    (directory / A).write_bytes(holder.to_bytes())


def test_runs_of_a_driver_that_died_elsewhere_are_done_when_its_leases_are_over(tmp_path):
    leave_lease(tmp_path)
    endings, said = [Finished(signature, 1, {}) for signature in (A, B, C)], []
    with Leases(tmp_path, expiry=0.3) as ours:
        executor = Scripted(*endings)
        tally = drive(RUNS, executor, Memory(), quiet, leases=ours, say=said.append)
    assert (tally.finished, tally.elsewhere) == (3, 0)
    assert executor.asked == [{B, C}, {A}]
    assert len(said) == 1
    assert "pod-1" in said[0]


def test_runs_of_a_driver_that_lives_elsewhere_are_left_to_it(tmp_path):
    leave_lease(tmp_path)
    timer = threading.Timer(0.5, os.utime, [tmp_path / A])
    timer.start()
    with Leases(tmp_path) as ours:
        tally = drive(RUNS[:1], Scripted(), Memory(), quiet, leases=ours)
    timer.join()
    assert (tally.finished, tally.elsewhere, tally.signal) == (0, 1, None)


def test_ctrl_c_ends_the_wait_for_another_driver(tmp_path):
    leave_lease(tmp_path)
    memory = Memory()
    timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with Leases(tmp_path) as ours:
        tally = drive(RUNS[:1], Scripted(), memory, quiet, leases=ours)
    assert (tally.signal, memory.interrupted) == (signal.SIGINT, True)
