"""Both executors give the same events; a run that crashes or dies takes no other with it."""

import dataclasses
import time
from pathlib import Path

import pytest

from rnnbench.events import Ending, Failed, Finished, Measured, Profiled, Started, Taken
from rnnbench.execution.in_process import InProcess
from rnnbench.execution.local import LocalPool
from rnnbench.experiment import Experiment
from rnnbench.registry import load_plugins

TROUBLED = str(Path(__file__).parent.parent / "plugins" / "troubled.py")


def specs(trouble, models=("leaky",), **training):
    load_plugins([TROUBLED])
    return Experiment(
        name="t",
        plugins=(TROUBLED,),
        tasks={"troubled": {"lag": 2, "symbols": 1, "examples": 20, "trouble": trouble}},
        models={model: {"units": 4} for model in models},
        training={"steps": 4, "batch_size": 4, "evaluate_every": 2} | training,
        gradients={"examples": 2, "during": 0},
    ).runs


def events_of(executor, runs):
    """The events of each run, without what differs from one execution to the next."""
    found = {run.signature: [] for run in runs}
    for event in executor.execute(runs):
        if isinstance(event, Taken):
            event = dataclasses.replace(event, worker=0)
        if isinstance(event, Finished):
            event = dataclasses.replace(event, metrics={k: v for k, v in event.metrics.items() if k != "seconds"})
        found[event.signature].append(event)
    return found


def test_a_crash_becomes_failed_and_the_others_go_on():
    runs = specs(["raise", "none"])
    crashed, fine = events_of(InProcess(), runs).values()
    assert [type(event) for event in crashed[:2]] == [Taken, Started]
    assert isinstance(crashed[-1], Failed)
    assert "as asked for" in crashed[-1].message
    assert "train_batch" in crashed[-1].traceback
    assert isinstance(fine[-1], Finished)
    assert {type(event) for event in fine} == {Taken, Started, Measured, Profiled, Finished}


def test_a_pool_gives_the_same_events_and_only_the_run_whose_worker_dies_fails():
    runs = specs(["die", "none"])
    found = events_of(LocalPool(2), runs)
    healthy = [run for run in runs if run.task.trouble == "none"]
    for run in runs:
        ending = found[run.signature][-1]
        assert sum(isinstance(event, Ending) for event in found[run.signature]) == 1
        assert isinstance(ending, Finished) == (run in healthy)
        assert run in healthy or "worker process died" in ending.message
    for signature, expected in events_of(InProcess(), healthy).items():
        # A run may have begun in a pool that broke: what counts is its last, whole attempt.
        assert found[signature][-len(expected) :] == expected


@pytest.mark.parametrize("executor", [InProcess(), LocalPool(1)], ids=["in-process", "pool"])
def test_cancelled_runs_stop_without_an_ending(executor):
    runs = specs("wait", steps=2000)
    began, seen = time.monotonic(), []
    for event in executor.execute(runs):
        seen.append(event)
        if isinstance(event, Measured) and event.step == 2:
            executor.cancel()
    assert not any(isinstance(event, Ending) for event in seen)
    assert time.monotonic() - began < 120
