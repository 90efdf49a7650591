"""The network around a recurrent layer: embedding and head, the same for all models."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnbench.experiment.settings import Implementation
from rnnbench.tasks.base import Task, Tokens

if TYPE_CHECKING:
    import keras

    from rnnbench.models.base import Model


_RECURRENT = "recurrent_"


def build(
    task: Task,
    model: Model,
    seed: int,
    network_class: Callable[[Any, Any], keras.Model] | None = None,
    implementation: Implementation = "stock",
) -> keras.Model:
    """The untrained network of a run, with the weights that `seed` gives.

    Input (batch, time, width) float32 or (batch, time) int32, time and batch free; output (batch, outputs), or
    (batch, time, outputs) for a task that answers at every step. `network_class` makes the network from its inputs and
    outputs (default `keras.Model`). `implementation="fast"` puts the layers of `rnnbench.layers` in place of the stock
    ones. They draw other initial weights, so it is for a network whose weights are set afterwards.
    `seed` seeds Keras' initializers and a model's `initialize`; draws of `tf.random` do not follow it.
    """
    import keras

    from rnnbench.layers import fast

    # Keras draws the seeds of its initializers from Python's generator; a plug-in may draw from NumPy's.
    # `keras.utils.set_random_seed` would seed TensorFlow too, which then drops all functions that it has traced: 0.4 s
    # for every run of a process.
    random.seed(seed)
    np.random.seed(seed)
    if isinstance(task.inputs, Tokens):
        inputs = keras.Input((None,), dtype="int32", name="tokens")
        states = keras.layers.Embedding(task.inputs.vocabulary, task.inputs.width, name="embedding")(inputs)
    else:
        inputs = keras.Input((None, task.inputs.width), name="features")
        states = inputs
    rng = np.random.default_rng(seed)
    for index in range(model.layers):
        sequences = task.answers_every_step or index < model.layers - 1
        layer = model.recurrent_layer(return_sequences=sequences, name=f"{_RECURRENT}{index}")
        if implementation == "fast":
            layer = fast(layer)
        states = layer(states)
        model.initialize(layer.cell, task.layout.length, rng)
    outputs = keras.layers.Dense(task.outputs, name="head")(states)
    return (network_class or keras.Model)(inputs, outputs)


def recurrent_layers(network: keras.Model) -> list[Any]:
    """The recurrent layers of a network that `build` made, the lowest first."""
    return [layer for layer in network.layers if layer.name.startswith(_RECURRENT)]


def cells(network: keras.Model) -> list[Any]:
    """Their cells."""
    return [layer.cell for layer in recurrent_layers(network)]
