"""The cell of IndRNN (Li et al. 2018, arXiv:1803.04831)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnnbench.layers.cell import Cell, tapped


@keras.saving.register_keras_serializable(package="rnnbench")
class IndRNNCell(Cell):
    """h_t = relu(W x_t + u h_{t-1} + b), unit by unit in h.

    Weights: `kernel`, W, (width, units); `recurrent_weight`, u, and `bias`, (units,).
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        self.recurrent_weight = self.add_weight(name="recurrent_weight", shape=(self.units,), initializer="ones")
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, inputs: Any, states: Any, taps: Sequence[Any] | None = None) -> tuple[Any, list[Any]]:
        h = ops.relu(ops.matmul(inputs, self.kernel) + self.recurrent_weight * states[0] + self.bias)
        h = tapped(h, taps, 0)
        return h, [h]
