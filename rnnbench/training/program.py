"""A compiled program for training, evaluation and probes, which many runs of a process share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any

import keras
import numpy as np

from rnnbench.errors import UserError
from rnnbench.experiment.run_spec import CompileKey
from rnnbench.experiment.settings import Training
from rnnbench.tasks.base import Batch, Task
from rnnbench.training.feeding import batches, steps_together
from rnnbench.training.network import build
from rnnbench.training.optimizers import optimizer_for, set_learning_rate
from rnnbench.training.probes.diagnostics import Diagnostics
from rnnbench.training.probes.gradient_probe import GradientProbe
from rnnbench.training.steps import SteppedNetwork

EVALUATION_BATCH = 200
"""Examples that are evaluated at once: many enough for speed, few enough for their memory to be used again."""


class Program:
    """A compiled network and its probes: serves all runs that differ only in lag, seed, learning rate, initialisation.

    It holds the state of one run at a time: `reset` or `restore` takes up another.
    """

    def __init__(self, key: CompileKey) -> None:
        self._key = key
        task, model = key.task, key.model
        self.network = build(task, model, 0, partial(SteppedNetwork, key=key), key.implementation)
        self.network.compile(optimizer=optimizer_for(key), jit_compile=False)
        self.network.optimizer.build(self.network.trainable_variables)
        self.probe = GradientProbe(task, model, key.implementation)
        self.diagnostics = Diagnostics(task, model, self.network)
        self._lengths: set[int] = set()

    def compile_for(self, task: Task, training: Training, validation: Batch, probed: int) -> None:
        """Have everything compiled for the length of the sequences, which XLA does not leave open; once.

        It takes some steps, an evaluation and a probe of `probed` examples, so `reset` or `restore` must follow.
        """
        if task.layout.length in self._lengths:
            return
        self.fit(task, 0, training, 0, steps_together(training))
        self.outputs_for(validation[0][:EVALUATION_BATCH])
        if not self._lengths:  # XLA has no part in the probes, which are traced for all lengths.
            self.probe.profile(task.layout, (validation[0][:probed], validation[1][:probed]))
            self.diagnostics.measure(validation[0][:probed])
        self._lengths.add(task.layout.length)

    def reset(self, network: keras.Model, learning_rate: float) -> None:
        """Start over from the weights of `network` with a fresh optimiser."""
        _assign(self.network.variables, _values(network.variables))
        # Not zeros: accumulators of some optimisers start elsewhere, and one starts from the weights.
        fresh = optimizer_for(self._key)
        fresh.build(self.network.trainable_variables)
        _assign(self.network.optimizer.variables, _values(fresh.variables))
        set_learning_rate(self.network.optimizer, learning_rate)

    def state(self) -> dict[str, list[np.ndarray]]:
        """Everything that training changes, the state of random generators included."""
        return {
            "network": _values(self.network.variables),
            "optimizer": _values(self.network.optimizer.variables),
        }

    def restore(self, state: dict[str, list[np.ndarray]], learning_rate: float) -> None:
        """Continue from what `state` returned, in a run of this learning rate."""
        set_learning_rate(self.network.optimizer, learning_rate)
        _assign(self.network.variables, state["network"])
        _assign(self.network.optimizer.variables, state["optimizer"])

    def fit(self, task: Task, seed: int, training: Training, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Train from step `start` to `stop`: loss and pre-clip global gradient norm of each step, (stop - start,)."""
        data = batches(task, seed, training, start, stop)
        epoch = start // training.evaluate_every
        self.network.fit(data, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
        values = self.network.step_values.numpy()[: stop - start]
        return values[:, 0], values[:, 1]

    def weight_norms(self, count: int) -> dict[str, float]:
        """Medians of the gradient's norms, weight by weight, over the last `count` steps: see `GradientNorms`."""
        medians = np.median(self.network.step_values.numpy()[:count, 2:], axis=0)
        return dict(zip(self.network.gradient_norms.names, medians.tolist(), strict=True))

    def scores(self, task: Task, split: Batch) -> dict[str, float]:
        """The task's metrics on a whole split, its last incomplete batch included.

        Raises `UserError` if the task leaves out its score or its loss.
        """
        inputs, targets = split
        found = task.scores(targets, self.outputs_for(inputs))
        if missing := [name for name in (task.score_name, "loss") if name not in found]:
            raise UserError(f"scores() of the task gives {', '.join(found)}, and must give {' and '.join(missing)} too")
        return found

    def outputs_for(self, inputs: np.ndarray) -> np.ndarray:
        """What the network answers to inputs of any number."""
        size = min(EVALUATION_BATCH, len(inputs))
        # The last batch is filled up with the first examples: another shape would be compiled for itself.
        chunks = [inputs[at : at + size] for at in range(0, len(inputs), size)]
        chunks[-1] = np.concatenate([chunks[-1], inputs[: size - len(chunks[-1])]])
        return np.concatenate([self.network.outputs_for(chunk).numpy() for chunk in chunks])[: len(inputs)]


def _values(variables: Iterable[Any]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: Iterable[Any], values: Iterable[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


@lru_cache(maxsize=8)
def program_for(key: CompileKey) -> Program:
    """The program of all runs of the process that have the key in common."""
    return Program(key)
