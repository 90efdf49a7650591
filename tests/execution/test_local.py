"""The pool: a worker's death affects only its own run, a graceful stop saves checkpoints, no process is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rnnbench.errors import UserError
from rnnbench.events import Dispatched, Ending, Failed, Finished, Measured, Warned
from rnnbench.execution.base import ATTEMPTS
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.local import LocalPool, _ImportFailed
from rnnbench.execution.script import UNGUARDED
from rnnbench.execution.waiting import Waiting
from tests.execution import stub_runs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def by_run(events):
    found = {}
    for event in events:
        found.setdefault(event.signature, []).append(event)
    return found


def children():
    return [
        child for child in psutil.Process().children(recursive=True) if "resource_tracker" not in str(child.cmdline())
    ]


def test_runs_of_other_shards_have_processes_and_numbers_of_them_of_their_own():
    runs = [spec for count in (2, 1) for spec in stub_runs.specs(4, shards=count)]
    pool = LocalPool({1: 2, 2: 1}, work=stub_runs.counted)
    assert pool.workers == 2
    started = [event for event in pool.execute(runs) if isinstance(event, Dispatched)]
    shards = {run.signature: run.training.shards for run in runs}
    assert [shards[event.signature] for event in started] == [1] * 4 + [2] * 4
    assert {event.worker for event in started[4:]} == {0}


def test_every_run_is_done_once_and_workers_are_used_again():
    runs = stub_runs.specs(6)
    found = by_run(LocalPool(2, work=stub_runs.counted).execute(runs))
    assert found.keys() == {run.signature for run in runs}
    for said in found.values():
        assert [type(event) for event in said[:1] + said[-1:]] == [Dispatched, Finished]
        assert [event.step for event in said if isinstance(event, Measured)] == [1, 2, 3, 4, 5]
    assert {said[0].worker for said in found.values()} <= {0, 1}
    assert children() == []


def test_a_killed_worker_affects_only_its_run_which_resumes(checkpoints):
    runs = stub_runs.specs(4)
    found = by_run(LocalPool(2, checkpoints, stub_runs.dies_once).execute(runs))
    unlucky = found.pop(runs[0].signature)
    assert [event.resumed for event in unlucky if isinstance(event, Dispatched)] == [False, True]
    (warning,) = (event for event in unlucky if isinstance(event, Warned))
    assert warning.message == (
        "its worker process died with SIGKILL (the system kills processes when memory runs out); "
        "retrying (attempt 2 of 4)"
    )
    # Step 1 is emitted again, from the checkpoint; the writer drops it.
    assert [event.step for event in unlucky if isinstance(event, Measured)] == [1, 1, 2, 3, 4, 5]
    assert isinstance(unlucky[-1], Finished)
    for said in found.values():
        assert sum(isinstance(event, Dispatched) for event in said) == 1
        assert isinstance(said[-1], Finished)


def test_a_run_whose_workers_always_die_fails_with_the_reason(checkpoints):
    runs = stub_runs.specs(3)
    found = by_run(LocalPool(2, checkpoints, stub_runs.always_dies).execute(runs))
    doomed = found[runs[0].signature]
    assert sum(isinstance(event, Dispatched) for event in doomed) == ATTEMPTS
    assert isinstance(doomed[-1], Failed)
    assert doomed[-1].message == (
        "its worker process died 4 times, the last time with SIGKILL (the system kills processes when memory runs out)"
    )
    assert all(isinstance(found[run.signature][-1], Finished) for run in runs[1:])


def test_a_worker_killed_while_sending_blocks_no_other(checkpoints):
    runs = stub_runs.specs(3)
    found = by_run(LocalPool(2, checkpoints, stub_runs.dies_while_sending).execute(runs))
    assert all(isinstance(said[-1], Finished) for said in found.values())


def test_a_run_that_is_not_claimed_is_left_out():
    runs, asked = stub_runs.specs(4), []

    def claim(spec):
        asked.append(spec.seed)
        return spec.seed % 2 == 0

    found = by_run(LocalPool(2, work=stub_runs.counted).execute(runs, claim))
    assert sorted(asked) == [0, 1, 2, 3]
    assert found.keys() == {run.signature for run in runs if run.seed % 2 == 0}


def test_a_graceful_stop_saves_checkpoints_and_yields_no_endings(checkpoints):
    runs = stub_runs.specs(3, steps=1000)
    pool, seen = LocalPool(2, checkpoints, stub_runs.slow), []
    for event in pool.execute(runs):
        seen.append(event)
        if len([e for e in seen if isinstance(e, Measured)]) == 6:
            pool.cancel()
            pool.cancel()
    assert not any(isinstance(event, Ending) for event in seen)
    begun = {event.signature for event in seen if isinstance(event, Dispatched)}
    assert begun == {run.signature for run in runs[:2]}
    for signature in begun:
        last = max(event.step for event in seen if isinstance(event, Measured) and event.signature == signature)
        assert len(checkpoints.load(signature).events) == last + 1
    assert children() == []


def test_signals_from_the_terminal_do_not_reach_workers():
    events = LocalPool(2, work=stub_runs.slow).execute(stub_runs.specs(2, steps=10))
    said = [next(events)]
    for worker in children():
        worker.send_signal(signal.SIGINT)
        worker.send_signal(signal.SIGTERM)
    said += events
    assert [type(event) for event in said if isinstance(event, (*Ending, Warned))] == [Finished, Finished]


def test_closing_the_stream_ends_the_workers_at_once():
    events = LocalPool(2, work=stub_runs.slow).execute(stub_runs.specs(2, steps=1000))
    next(events)
    assert len(children()) >= 1
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 2
    assert children() == []


def test_workers_that_never_start_are_reported(monkeypatch):
    import rnnbench.execution.local as local

    monkeypatch.setattr(local, "_serve", _dead_on_start)
    with pytest.raises(UserError, match=r"die before they can start a run \(exit code 3\): try --workers 0"):
        list(LocalPool(2, work=stub_runs.counted).execute(stub_runs.specs(2)))


def _dead_on_start(pipe, settings):
    os._exit(3)


def test_a_killed_parent_leaves_no_orphans(tmp_path):
    program = """
from tests.execution import stub_runs
from rnnbench.execution.local import LocalPool
for event in LocalPool(2, work=stub_runs.slow).execute(stub_runs.specs(2, steps=1000)):
    print(type(event).__name__, flush=True)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=tmp_path, stdout=subprocess.PIPE)
    for line in parent.stdout:
        if line.startswith(b"Measured"):
            break
    orphans = psutil.Process(parent.pid).children(recursive=True)
    assert len(orphans) >= 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(orphans, timeout=5)
    assert alive == []


def test_the_longest_runs_go_first_but_each_worker_stays_with_what_it_has_compiled_while_that_costs_nothing():
    long, short = stub_runs.specs(2, lag=1000, steps=1000), stub_runs.specs(2, lag=10, steps=10)
    longer = stub_runs.specs(2, lag=1000, steps=1000, symbols=2)
    waiting = Waiting([*short, *long, *longer], lambda spec: True)
    one, two = set(), set()
    assert [waiting.take(worker) for worker in (one, two, two, one)] == [longer[0], long[0], long[1], longer[1]]
    assert [waiting.take(worker) for worker in (one, two)] == short


def test_a_worker_goes_on_with_the_networks_that_it_has_traced_at_another_lag():
    (first,), (again,) = (stub_runs.specs(1, lag=lag, symbols=2, steps=1000) for lag in (1000, 990))
    (other,) = stub_runs.specs(1, lag=995, symbols=1, steps=1000)
    waiting, worker = Waiting([again, other, first], lambda spec: True), set()
    assert [waiting.take(worker) for _ in range(3)] == [first, again, other]


STDIN = """
import sys
sys.path.insert(0, {root!r})
from tests.execution import stub_runs
from rnnbench.events import Finished
from rnnbench.execution.local import LocalPool
events = LocalPool(1, work=stub_runs.counted).execute(stub_runs.specs(1))
print(sum(isinstance(event, Finished) for event in events))
"""


def test_a_program_from_standard_input_without_a_main_guard_may_use_workers():
    """The workers do not import it, and could not: its tasks and models are in modules."""
    program = STDIN.format(root=str(ROOT))
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, timeout=300)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_worker_that_cannot_import_tensorflow_is_reported_in_one_line():
    pool, waiting = LocalPool(1), Waiting(stub_runs.specs(1), lambda spec: True)
    with pytest.raises(UserError, match=r"cannot import TensorFlow and Keras: ValueError: keras.json") as error:
        list(pool._receive({}, _Sending(_ImportFailed("ValueError: keras.json")), waiting))
    assert "\n" not in str(error.value)


def test_a_script_that_would_run_its_experiment_in_a_worker_is_reported():
    pool = LocalPool(1)
    with pytest.raises(UserError, match=r"put the experiment under `if __name__ == \"__main__\":`, or use workers=0"):
        list(pool._handle_death(_Sending(exit_code=UNGUARDED), Waiting(stub_runs.specs(1), lambda spec: True)))


class _Sending:
    """A worker as the driver sees it."""

    def __init__(self, message=None, exit_code=0):
        self.pipe, self.spec, self.ready, self.exit_code = self, None, False, exit_code
        self.recv = lambda: message

    def cause_of_death(self):
        return f"exit code {self.exit_code}"
