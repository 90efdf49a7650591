"""Saturation: the share of a network's gates and tanh values that lie near their limits, where their slope is small."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnnbench.models.base import Activations, Model
from rnnbench.tasks.stream import Stream
from rnnbench.training.network import cells, first_layer_inputs
from rnnbench.training.traced import for_every_length

GATE_LEVELS = (0.1, 0.9)
"""Below the first a gate counts as closed, above the second as open (Karpathy, Johnson & Fei-Fei 2015)."""
TANH_LEVEL = 0.8
"""|tanh| above which a value counts as saturated: the same point of the same curve, as tanh(x) = 2 sigmoid(2x) - 1."""


class Saturation:
    """Measures the saturation of a network that `training.network.build` made, at its weights of the moment."""

    def __init__(self, model: Model, network: keras.Model) -> None:
        self._model, self._network, self._cells = model, network, cells(network)
        self._recorders = [_Recorder(cell) for cell in self._cells]
        self._shares = for_every_length(self._of_all_layers)

    def measure(self, stream: Stream) -> dict[str, float]:
        """Share of the activations that are saturated, over the examples, all steps, the units and stacked layers.

        `closed/<gate>` and `open/<gate>`: logistic gates below and above `GATE_LEVELS`. `tanh/<state>`: |tanh| above
        `TANH_LEVEL`. Empty for a model without cells.
        """
        if not self._cells:
            return {}
        read = Stream(stream.targets, stream.features, stream.tokens)
        return {name: float(share) for name, share in self._shares(read.parts).items()}

    def _of_all_layers(self, parts: dict[str, Any]) -> dict[str, Any]:
        features = first_layer_inputs(self._network, Stream(**parts))
        shares: dict[str, list[Any]] = {}
        for cell, recorder in zip(self._cells, self._recorders, strict=True):
            output, *states = recorder(features)
            # Keras' recurrent layers start from zero.
            before = [tf.pad(state, [[0, 0], [1, 0], [0, 0]])[:, :-1] for state in states]
            for name, share in _shares(self._model.activations(cell, features, before)).items():
                shares.setdefault(name, []).append(share)
            features = output
        return {name: ops.mean(ops.stack(of_layers)) for name, of_layers in shares.items()}


class _Recorder:
    """Runs a built cell over sequences and returns all of its states."""

    def __init__(self, cell: keras.Layer) -> None:
        self._sizes = keras.tree.flatten(cell.state_size)
        self._layer = keras.layers.RNN(_RecordedCell(cell), return_sequences=True)

    def __call__(self, inputs: Any) -> list[Any]:
        """The output and each state, (batch, time, units) each."""
        recorded = self._layer(inputs)
        return tf.split(recorded, [recorded.shape[-1] - sum(self._sizes), *self._sizes], axis=-1)


class _RecordedCell(keras.Layer):
    """A built cell whose output holds its states too, beside each other."""

    def __init__(self, cell: keras.Layer) -> None:
        super().__init__(dtype=cell.dtype_policy)
        self.cell = cell
        self.state_size = cell.state_size
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        output, after = self.cell(inputs, states)
        return ops.concatenate([output, *keras.tree.flatten(after)], axis=-1), after


def _shares(activations: Activations) -> dict[str, Any]:
    closed, opened = GATE_LEVELS
    shares = {}
    for name, gate in activations.gates.items():
        shares[f"closed/{name}"] = _share(gate < closed)
        shares[f"open/{name}"] = _share(gate > opened)
    for name, state in activations.states.items():
        shares[f"tanh/{name}"] = _share(ops.abs(state) > TANH_LEVEL)
    return shares


def _share(where: Any) -> Any:
    return ops.mean(ops.cast(where, "float32"))
