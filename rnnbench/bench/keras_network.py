"""The network of a problem in Keras, on any backend."""

from __future__ import annotations

from types import ModuleType

import keras

from rnnbench.bench.problem import EPSILON, GLOBAL_CLIPNORM, LEARNING_RATE, Problem

NAMES = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


def build(problem: Problem, layers: ModuleType, network_class: type[keras.Model] = keras.Model) -> keras.Model:
    """The network with the problem's weights, its recurrent layer from `layers`."""
    weights = problem.weights()
    recurrent = _recurrent(problem, layers)
    head = keras.layers.Dense(problem.task.outputs)
    inputs = keras.Input((None, problem.task.ports.width))
    network = network_class(inputs, head(recurrent(inputs)[:, -problem.recalled :]))
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
