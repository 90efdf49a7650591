"""What the tests of the cache of compiled programs do in a fresh process."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import tensorflow as tf

from rnnbench.execution.base import set_up_worker
from rnnbench.experiment.definition import Experiment
from rnnbench.training import making
from rnnbench.training.run import run


def files() -> set[str]:
    """The compiled programs of the cache."""
    return {str(path) for path in Path(os.environ["RNNBENCH_XLA_CACHE"]).glob("*/*/*.pb")}


def train(models: list[str], lags: list[int]) -> list[Any]:
    """Train each model at each lag, in that order: of each run the programs newly compiled, and its metrics."""
    set_up_worker()
    found = []
    for model in models:
        for lag in lags:
            before = files()
            (spec,) = Experiment(
                name="test",
                tasks={"copy_memory": {"lag": lag, "symbols": 1, "examples": 20, "training_lags": "fixed"}},
                models={model: {"units": 4}},
                training={"steps": 4, "batch_size": 8, "evaluate_every": 2},
                gradients={"examples": 4},
            ).runs
            metrics = list(run(spec))[-1].metrics
            exact = {name: float(value).hex() for name, value in metrics.items() if not name.startswith("seconds")}
            found.append([len(files() - before), exact])
    return found


def compile_small(killed: bool = False, blocked: bool = False) -> list[float] | None:
    """Compile a function as a program is: what it gives. `killed`: while at it. `blocked`: its directory is a file."""
    set_up_worker()
    function = tf.function(lambda x: tf.tanh(x @ x) / 3, jit_compile=True, autograph=False)
    if blocked:
        assert making._cache is not None
        making._cache._private.write_text("in the way")
    found: list[float] = []

    def compiled() -> None:
        found[:] = function(tf.reshape(tf.range(9.0), (3, 3)) / 20).numpy().ravel().tolist()
        if killed:
            os.kill(os.getpid(), signal.SIGKILL)

    making.Making("small").compiled(compiled)  # type: ignore[arg-type]
    return found
