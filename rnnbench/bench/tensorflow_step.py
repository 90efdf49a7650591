"""Keras on TensorFlow: its own compiled train step, without the epochs and callbacks of `fit`."""

from __future__ import annotations

import gc
import importlib
from typing import Literal

import keras
import tensorflow as tf

from rnnbench.bench import keras_network
from rnnbench.bench.problem import Problem


class TensorFlowStep:
    """The training step of `layers` ("keras.layers", "rnnbench.layers") compiled with `jit_compile`."""

    def __init__(
        self, problem: Problem, layers: str, jit_compile: bool | Literal["auto"], many_a_call: bool = True
    ) -> None:
        """`many_a_call`: set `steps_per_execution`, where steps are short."""
        self.steps_per_call = problem.steps_per_call if many_a_call else 1
        self._network = keras_network.build(problem, importlib.import_module(layers))
        self._network.compile(
            optimizer=keras_network.optimizer(),
            loss=keras_network.loss(),
            jit_compile=jit_compile,
            steps_per_execution=self.steps_per_call,
        )
        options = tf.data.Options()
        options.autotune.enabled = False
        self._batches = iter(tf.data.Dataset.from_tensors(problem.data()).repeat().with_options(options))
        self._network.make_train_function()

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
