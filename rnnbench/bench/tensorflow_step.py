"""Keras on TensorFlow: the compiled train step, without the epochs and callbacks of `fit`."""

from __future__ import annotations

import gc
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from rnnbench.bench import keras_network
from rnnbench.bench.problem import Problem


class TensorFlowStep:
    """Keras' own training step of the stock layers, compiled with `jit_compile`."""

    def __init__(self, problem: Problem, jit_compile: bool | Literal["auto"], many_a_call: bool = True) -> None:
        """`many_a_call`: set `steps_per_execution` where steps are short."""
        self.steps_per_call = problem.steps_per_call if many_a_call else 1
        self._network = keras_network.build(problem, keras.layers)
        self._compile(jit_compile, self.steps_per_call)
        self._batches = repeated(problem.data())

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


def repeated(data: tuple[np.ndarray, ...]) -> Any:
    """An iterator that gives the same data for ever."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return iter(tf.data.Dataset.from_tensors(data).repeat().with_options(options))
