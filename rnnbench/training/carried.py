"""A network that reads some steps at a time and goes on where it was."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnbench.tasks.stream import Stream
from rnnbench.training.network import first_layer_inputs, model_layers


def can_be_carried(network: keras.Model) -> bool:
    """Whether all layers of the model are recurrent: their states are all that the network knows of the past."""
    return all(hasattr(layer, "cell") for layer in model_layers(network))


class CarriedNetwork:
    """A network that `training.network.build` made, at its weights of the moment; it must be `can_be_carried`.

    The loops are those of Keras: nothing is compiled for a length.
    """

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        self._layers = [
            keras.layers.RNN(layer.cell, return_sequences=True, return_state=True) for layer in model_layers(network)
        ]
        self._on = tf.function(self._read, reduce_retracing=True, autograph=False)

    def read(self, inputs: dict[str, np.ndarray], before: Any = None) -> tuple[np.ndarray, Any]:
        """The raw outputs, (B, outputs), after the last of some steps, and what to give as `before` to go on.

        `inputs`: `features`, (B, T, width), `tokens`, (B, T), or both. `before`: None at the start.
        """
        tensors = {name: tf.constant(part) for name, part in inputs.items()}
        if before is None:
            examples = len(next(iter(inputs.values())))
            before = [list(layer.get_initial_state(examples)) for layer in self._layers]
        if not self._on.experimental_get_tracing_count():
            # One trace for batches and steps of all numbers.
            self._on.get_concrete_function(_open(tensors, 2), _open(before, 1))
        outputs, after = self._on(tensors, before)
        return outputs.numpy(), after

    def _read(self, inputs: dict[str, Any], before: list[Any]) -> tuple[Any, list[Any]]:
        stream = Stream(targets=next(iter(inputs.values())), **inputs)
        values, after = first_layer_inputs(self._network, stream), []
        for layer, states in zip(self._layers, before, strict=True):
            values, *states = layer(values, initial_state=states)
            after.append(states)
        return self._network.get_layer("head")(values[:, -1]), after


def _open(tensors: Any, axes: int) -> Any:
    """Their specifications, the first axes left open."""
    return tf.nest.map_structure(lambda one: tf.TensorSpec([None] * axes + one.shape[axes:], one.dtype), tensors)
