"""The network of a problem in Keras, on any backend."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras

from rnnbench.bench.problem import EPSILON, GLOBAL_CLIPNORM, LEARNING_RATE, Problem

NAMES = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


Connect = Callable[[Any, Any], tuple[Any, Any]]
"""`(recurrent layer, inputs)` to the inputs of the network and the states that are read out."""


def build(
    problem: Problem,
    layers: ModuleType,
    network_class: Callable[[Any, Any], keras.Model] = keras.Model,
    connect: Connect | None = None,
) -> keras.Model:
    """The network with the problem's weights, its recurrent layer from `layers`; by default it reads all steps."""
    weights = problem.weights()
    recurrent = _recurrent(problem, layers)
    head = keras.layers.Dense(problem.task.outputs)
    inputs = keras.Input((None, problem.task.ports.width))
    given, states = connect(recurrent, inputs) if connect else (inputs, recurrent(inputs)[:, -problem.recalled :])
    network = network_class(given, head(states))
    if problem.cell in NAMES:
        recurrent.set_weights([weights["kernel"], weights["recurrent_kernel"], weights["bias"]])
    head.set_weights([weights["head_kernel"], weights["head_bias"]])
    return network


def _recurrent(problem: Problem, layers: ModuleType) -> keras.layers.RNN:
    if problem.cell in NAMES:
        return getattr(layers, NAMES[problem.cell])(problem.units, return_sequences=True)
    from rnnbench.bench.cells import CELLS

    # Every peer draws the same weights.
    keras.utils.set_random_seed(0)
    return layers.RNN(CELLS[problem.cell](problem.units), return_sequences=True)


def optimizer() -> keras.Optimizer:
    return keras.optimizers.Adam(LEARNING_RATE, epsilon=EPSILON, global_clipnorm=GLOBAL_CLIPNORM)


def loss() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
