"""Our training step, as `rnnbench.training.steps` takes it: several in a compiled function, in shards, from buffers."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnbench import layers
from rnnbench.bench import keras_network
from rnnbench.bench.problem import Problem
from rnnbench.bench.tensorflow_step import TensorFlowStep, repeated
from rnnbench.layers.last_steps import LastSteps
from rnnbench.tasks.stream import Stream
from rnnbench.training.shards import ShardedGradient, mean


class OurStep(TensorFlowStep):
    """The training step of `rnnbench.layers`, on as many batches as a call takes."""

    def __init__(self, problem: Problem) -> None:
        self.steps_per_call = together = problem.steps_per_call
        network_class = _Together if problem.shards == 1 else partial(_InShards, shards=problem.shards)
        if problem.buffer is None:
            self._network = keras_network.build(problem, layers, network_class)
        else:
            self._network = keras_network.build(problem, layers, network_class, _reads_buffers(problem))
        self._compile(jit_compile=False, steps_per_execution=1)
        self._batches = repeated(tuple(np.stack([part] * together) for part in _data(problem)))

    def run(self, steps: int) -> float:
        calls = range(steps // self.steps_per_call)
        return float(np.mean([self._network.train_function(self._batches)["loss"] for _ in calls]))


class _Together(keras.Model):
    """Its train step takes a step on each of the batches that the data stack: one or two inputs, and targets."""

    def train_step(self, data: Any) -> dict[str, Any]:
        return {"loss": self._compiled(data)}

    @tf.function(jit_compile=True, reduce_retracing=True, autograph=False)
    def _compiled(self, data: Any) -> Any:
        return self._steps(data)

    def _steps(self, data: Any) -> Any:
        def step(index: Any, total: Any) -> tuple[Any, Any]:
            *inputs, targets = (part[index] for part in data)
            return index + 1, total + self._step(inputs if len(inputs) > 1 else inputs[0], targets)

        count = tf.shape(data[-1])[0]
        return tf.while_loop(lambda index, _: index < count, step, (0, 0.0), parallel_iterations=1)[1] / tf.cast(
            count, tf.float32
        )

    def _step(self, inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=targets, y_pred=self(inputs, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return loss


class _InShards(_Together):
    """Takes each step in equal parts of the batch, side by side."""

    def __init__(self, inputs: Any, outputs: Any, shards: int) -> None:
        super().__init__(inputs, outputs)
        loss = keras_network.loss()
        self._gradient = ShardedGradient(self, lambda stream, found: loss(stream.targets, found), shards, True)
        self._apply = tf.function(self._join, jit_compile=True, autograph=False)

    def train_step(self, data: Any) -> dict[str, Any]:
        return {"loss": self._steps(data)}

    def _step(self, inputs: Any, targets: Any) -> Any:
        losses, gradients, _ = self._gradient(Stream(targets, features=inputs).parts)
        return self._apply(losses, gradients)

    def _join(self, losses: list[Any], gradients: list[list[Any]]) -> Any:
        self.optimizer.apply([mean(of_weight) for of_weight in zip(*gradients, strict=True)], self.trainable_variables)
        return mean(losses)


def _reads_buffers(problem: Problem) -> keras_network.Connect:
    """Connects a recurrent layer that takes as many steps as a further input says."""

    def connect(recurrent: Any, inputs: Any) -> tuple[Any, Any]:
        steps = keras.Input(batch_shape=(1,), dtype="int32")
        return [inputs, steps], LastSteps(problem.recalled)(recurrent(inputs, steps=steps), steps)

    return connect


def _data(problem: Problem) -> tuple[np.ndarray, ...]:
    """Inputs, in a buffer with their number of steps if there is one; targets."""
    inputs, targets = problem.data()
    if problem.buffer is None:
        return inputs, targets
    padded = np.pad(inputs, [(0, 0), (0, problem.buffer - problem.length), (0, 0)])
    return padded, np.array([problem.length], np.int32), targets
