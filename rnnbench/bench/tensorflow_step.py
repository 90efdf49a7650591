"""Keras on TensorFlow: the compiled train step, without the epochs and callbacks of `fit`."""

from __future__ import annotations

import gc
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from rnnbench import layers
from rnnbench.bench import keras_network
from rnnbench.bench.problem import Problem


class TensorFlowStep:
    """Keras' own training step of the stock layers, compiled with `jit_compile`."""

    def __init__(self, problem: Problem, jit_compile: bool | Literal["auto"], many_a_call: bool = True) -> None:
        """`many_a_call`: set `steps_per_execution` where steps are short."""
        self.steps_per_call = problem.steps_per_call if many_a_call else 1
        self._network = keras_network.build(problem, keras.layers)
        self._compile(jit_compile, self.steps_per_call)
        self._batches = _repeated(problem.data())

    def run(self, steps: int) -> float:
        """Do `steps`, a multiple of `steps_per_call`; the mean of their losses."""
        self._network.reset_metrics()
        for _ in range(steps // self.steps_per_call):
            logs = self._network.train_function(self._batches)
        return float(logs["loss"])

    def close(self) -> None:
        del self._network, self._batches
        keras.utils.clear_session()
        gc.collect()

    def _compile(self, jit_compile: bool | Literal["auto"], steps_per_execution: int) -> None:
        self._network.compile(
            optimizer=keras_network.optimizer(),
            loss=keras_network.loss(),
            jit_compile=jit_compile,
            steps_per_execution=steps_per_execution,
        )
        self._network.make_train_function()


class TogetherStep(TensorFlowStep):
    """The training step of `rnnbench.layers` as `rnnbench.training.steps` takes it: several in a compiled function."""

    def __init__(self, problem: Problem) -> None:
        self.steps_per_call = problem.steps_per_call
        self._network = keras_network.build(problem, layers, _Together)
        self._compile(jit_compile=False, steps_per_execution=1)
        inputs, targets = problem.data()
        self._batches = _repeated((np.stack([inputs] * self.steps_per_call), np.stack([targets] * self.steps_per_call)))

    def run(self, steps: int) -> float:
        calls = range(steps // self.steps_per_call)
        return float(np.mean([self._network.train_function(self._batches)["loss"] for _ in calls]))


class _Together(keras.Model):
    """Its train step takes one step on each of the batches that the data stack."""

    def train_step(self, data: Any) -> dict[str, Any]:
        return {"loss": self._steps(*data)}

    @tf.function(jit_compile=True, reduce_retracing=True)
    def _steps(self, inputs: Any, targets: Any) -> Any:
        def step(index: Any, total: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=targets[index], y_pred=self(inputs[index], training=True))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return index + 1, total + loss

        count = len(inputs)
        return tf.while_loop(lambda index, _: index < count, step, (0, 0.0), parallel_iterations=1)[1] / count


def _repeated(data: tuple[np.ndarray, np.ndarray]) -> Any:
    options = tf.data.Options()
    options.autotune.enabled = False
    return iter(tf.data.Dataset.from_tensors(data).repeat().with_options(options))
