"""Runs without TensorFlow, for the tests of executors: their workers start in a second."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np

from rnnbench.events import Dispatched, Finished, Measured, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.training.snapshot import Snapshot


def experiment(count, steps=5, shards=1, **task):
    """`count` runs whose seeds tell them apart."""
    return Experiment(
        name="stub",
        tasks={"copy_memory": {"lag": 2, "symbols": 1} | task},
        models={"gru": {"units": 4}},
        seeds=count,
        training={"steps": steps, "evaluate_every": 1, "shards": shards},
    )


def specs(count, steps=5, shards=1, **task):
    return list(experiment(count, steps, shards, **task).runs)


def counted(spec, worker, checkpoints, stopped):
    """A run that measures its step and saves a checkpoint after each."""
    yield from _steps(spec, worker, checkpoints, stopped, lambda step: None)


def slow(spec, worker, checkpoints, stopped):
    yield from _steps(spec, worker, checkpoints, stopped, lambda step: time.sleep(0.1))


def loud(spec, worker, checkpoints, stopped):
    """As many large events as the pipe takes."""
    yield Dispatched(spec.signature, worker)
    yield Started(spec.signature, 1)
    for step in range(spec.training.steps):
        yield Measured(spec.signature, step, {f"validation/m{number}": float(step) for number in range(20)})
    yield Finished(spec.signature, spec.training.steps, {"score": 1.0})


def dies_once(spec, worker, checkpoints, stopped):
    """The run of seed 0 is killed at step 2, the first time."""
    yield from _steps(
        spec, worker, checkpoints, stopped, lambda step: _die(spec, checkpoints, step, first_time_only=True)
    )


def troubled(spec, worker, checkpoints, stopped):
    """The run of seed 0 raises, that of seed 1 is killed at step 2 the first time, that of seed 2 every time."""
    yield from _steps(spec, worker, checkpoints, stopped, lambda step: _trouble(spec, checkpoints, step))


def _trouble(spec, checkpoints, step):
    if step == 2 and spec.seed == 0:
        raise RuntimeError("as asked for")
    if step == 2 and (spec.seed == 2 or (spec.seed == 1 and _is_first_time(spec, checkpoints))):
        os.kill(os.getpid(), signal.SIGKILL)


def always_dies(spec, worker, checkpoints, stopped):
    yield from _steps(spec, worker, checkpoints, stopped, lambda step: _die(spec, checkpoints, step))


def dies_while_sending(spec, worker, checkpoints, stopped):
    """Killed in the middle of writing an event that is larger than the pipe."""
    yield Dispatched(spec.signature, worker)
    if spec.seed == 0 and _is_first_time(spec, checkpoints):
        import threading

        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
        while True:
            yield Measured(spec.signature, 0, {f"metric {number}": 0.0 for number in range(200_000)})
    yield Finished(spec.signature, 1, {})


def _steps(spec, worker, checkpoints, stopped, between):
    snapshot = checkpoints.load(spec.signature) if checkpoints else None
    yield Dispatched(spec.signature, worker, resumed=snapshot is not None)
    said = list(snapshot.events) if snapshot else [Started(spec.signature, 1)]
    yield from said
    for step in range(len(said), spec.training.steps + 1):
        between(step)
        said.append(Measured(spec.signature, step, {"validation/loss": 1 / step, "validation/accuracy": 0.5}))
        yield said[-1]
        if checkpoints:
            with contextlib.suppress(OSError):
                checkpoints.save(spec.signature, Snapshot(0.0, {}, {}, said, {"network": [np.zeros(3)]}))
        if stopped():
            return
    yield Finished(spec.signature, spec.training.steps, {"score": 0.5, "seconds": 1.0})


def _die(spec, checkpoints, step, first_time_only=False):
    if spec.seed == 0 and step == 2 and not (first_time_only and not _is_first_time(spec, checkpoints)):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_first_time(spec, checkpoints):
    mark = Path(checkpoints.directory) / f"{spec.signature} was here"
    if mark.exists():
        return False
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return True
