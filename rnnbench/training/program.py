"""A network compiled for training, evaluation and probes, which many runs of a process share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.errors import UserError
from rnnbench.experiment.run_spec import CompileKey
from rnnbench.experiment.settings import Training
from rnnbench.layers import has_fast_loop
from rnnbench.models.base import Model
from rnnbench.tasks.base import Batch, Task
from rnnbench.training.feeding import batches, steps_together
from rnnbench.training.network import build
from rnnbench.training.probes.saturation import Diagnostics, GradientNorms
from rnnbench.training.probes.gradient_probe import GradientProbe
from rnnbench.training.traced import for_every_length

EVALUATION_BATCH = 200
"""Examples that are evaluated at once: many enough for speed, few enough for their memory to be used again."""


class RecurrentNetwork(keras.Model):
    """`keras.Model` that minimises the task's loss, several steps a call, and keeps the figures of each.

    As in Keras, what layers add to it (`network.losses`: regularisers, `add_loss`) is part of the loss.
    """

    def set_up(self, task: Task, model: Model, global_clipnorm: float | None, window: int, jit_compile: bool) -> None:
        """Train on `task.loss`; remember the last `window` steps."""
        # Keras' own `jit_compile` is not to be had where operations are deterministic.
        self._compiled_steps = tf.function(self._steps, jit_compile=jit_compile, reduce_retracing=True, autograph=False)
        self.outputs_for = for_every_length(self.call, jit_compile=jit_compile)
        """What the network answers to one batch."""
        self.task = task
        self.global_clipnorm = global_clipnorm
        self.window = window
        self.gradient_norms = GradientNorms(self, model)
        self.step_figures = tf.Variable(tf.zeros((window, 2 + len(self.gradient_norms.names))), trainable=False)
        """Of each step the loss, and the gradient's norms before clipping."""

    def train_step(self, data: Any) -> dict[str, Any]:
        """A step on each of the batches that `data` stacks."""
        return {"loss": self._compiled_steps(*data)}

    def _steps(self, inputs: Any, targets: Any) -> Any:
        def step(index: Any, _: Any) -> tuple[Any, Any]:
            return index + 1, self._step(inputs[index], targets[index])

        count = tf.shape(inputs)[0]
        return tf.while_loop(lambda index, _: index < count, step, (0, 0.0), parallel_iterations=1)[1]

    def _step(self, inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = ops.mean(self.task.loss(targets, self(inputs, training=True)))
            loss = sum(map(ops.sum, self.losses), loss)
        gradients = tape.gradient(loss, self.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        # That by an embedding comes apart, a row for each time a token is read; its norm is that of their sum.
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        norms = self.gradient_norms(gradients)
        index = tf.cast(self.optimizer.iterations, tf.int32) % self.window
        self.step_figures.scatter_nd_update([[index]], [tf.concat([[loss], norms], axis=0)])
        if self.global_clipnorm is not None:
            # Pascanu et al. 2013, section 3.2. Keras' own clipping takes the norm of an embedding's rows one by one.
            scale = tf.minimum(1.0, self.global_clipnorm / norms[0])
            gradients = [gradient * scale for gradient in gradients]
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return loss


class CompiledNetwork:
    """A compiled network and its gradient probe.

    Used by all runs that differ only in lag, seed, learning rate and initialisation.
    """

    def __init__(self, key: CompileKey) -> None:
        task, model = key.task, key.model
        self.network = build(task, model, 0, RecurrentNetwork, key.implementation)
        # XLA's cost of the stock recurrent loops on a CPU grows with the square of the length; cuDNN does not use it.
        covered = any(has_fast_loop(layer) for layer in self.network.layers)
        self.network.set_up(task, model, key.global_clipnorm, key.window, jit_compile=covered)
        self.network.compile(optimizer=keras.optimizers.Adam(), jit_compile=False)
        self.network.optimizer.build(self.network.trainable_variables)
        self.probe = GradientProbe(task, model, key.implementation)
        self.diagnostics = Diagnostics(task, model, self.network)
        self._lengths: set[int] = set()

    def compile_for(self, task: Task, training: Training, validation: Batch, probed: int) -> None:
        """Have everything compiled for the length of the sequences, which XLA does not leave open; once.

        It takes some steps, an evaluation and a probe of `probed` examples: `reset` or `restore` comes after it.
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
        """Start over from the state of `network` with a fresh optimiser."""
        _assign(self.network.variables, _values(network.variables))
        for variable in self.network.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        self.network.optimizer.learning_rate = learning_rate

    def state(self) -> dict[str, list[np.ndarray]]:
        """Everything that training changes, the state of random generators included."""
        return {
            "network": _values(self.network.variables),
            "optimizer": _values(self.network.optimizer.variables),
        }

    def restore(self, state: dict[str, list[np.ndarray]]) -> None:
        """Go on from what `state` returned."""
        _assign(self.network.variables, state["network"])
        _assign(self.network.optimizer.variables, state["optimizer"])

    def fit(self, task: Task, seed: int, training: Training, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Train from step `start` to `stop`: loss and pre-clip global gradient norm of each step."""
        data = batches(task, seed, training, start, stop)
        epoch = start // training.evaluate_every
        self.network.fit(data, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
        figures = self.network.step_figures.numpy()[: stop - start]
        return figures[:, 0], figures[:, 1]

    def weight_norms(self, count: int) -> dict[str, float]:
        """Median over the last `count` trained steps of the gradient's norm by each weight: see `GradientNorms`."""
        medians = np.median(self.network.step_figures.numpy()[:count, 2:], axis=0)
        return dict(zip(self.network.gradient_norms.names, medians.tolist(), strict=True))

    def scores(self, task: Task, split: Batch) -> dict[str, float]:
        """The task's metrics on a whole split, its last incomplete batch included.

        Raises `UserError` where the task leaves out its score or its loss.
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
def compiled_network(key: CompileKey) -> CompiledNetwork:
    """One for all runs of the process that have the key in common."""
    return CompiledNetwork(key)
