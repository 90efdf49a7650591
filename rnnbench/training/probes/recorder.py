"""Reads the states of a recurrent cell at every step."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops


class Recorder:
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
