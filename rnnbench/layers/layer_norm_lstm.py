"""The cell of the LSTM with layer normalisation (Ba, Kiros & Hinton 2016, arXiv:1607.06450, equations 20 to 22)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnnbench.layers.cell import Cell, tapped

EPSILON = 1e-5
"""Added to the variance."""


@keras.saving.register_keras_serializable(package="rnnbench")
class LayerNormLSTMCell(Cell):
    """(i, f, g, o) = LN(W_h h_{t-1}) + LN(W_x x_t) + b, each LN over all four blocks at once;
    c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g), h_t = sigmoid(o) tanh(LN(c_t)).

    LN(v) = gain (v - mean) / standard deviation, and a shift for that of c_t; the shifts of the other two would only
    add to b, so there are none. Weights: those of `keras.layers.LSTMCell`, with the blocks in its order;
    `recurrent_gain` and `input_gain`, (4 x units,); `cell_gain` and `cell_shift`, (units,).
    """

    states = 2

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        units, blocks = self.units, 4 * self.units
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], blocks))
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(units, blocks), initializer=keras.initializers.Orthogonal()
        )
        self.bias = self.add_weight(name="bias", shape=(blocks,), initializer="zeros")
        self.recurrent_gain = self.add_weight(name="recurrent_gain", shape=(blocks,), initializer="ones")
        self.input_gain = self.add_weight(name="input_gain", shape=(blocks,), initializer="ones")
        self.cell_gain = self.add_weight(name="cell_gain", shape=(units,), initializer="ones")
        self.cell_shift = self.add_weight(name="cell_shift", shape=(units,), initializer="zeros")

    def call(self, inputs: Any, states: Any, taps: Sequence[Any] | None = None) -> tuple[Any, list[Any]]:
        h, c = states
        i, f, candidate, o = self.gates(inputs, h)
        c = f * c + i * candidate
        h = tapped(o * self.squashed(c), taps, 0)
        return h, [h, tapped(c, taps, 1)]

    def gates(self, inputs: Any, h: Any) -> tuple[Any, Any, Any, Any]:
        """Input gate, forget gate, candidate and output gate, (..., units) each."""
        of_state = normalized(ops.matmul(h, self.recurrent_kernel)) * self.recurrent_gain
        of_inputs = normalized(ops.matmul(inputs, self.kernel)) * self.input_gain
        i, f, g, o = ops.split(of_state + of_inputs + self.bias, 4, axis=-1)
        return ops.sigmoid(i), ops.sigmoid(f), ops.tanh(g), ops.sigmoid(o)

    def squashed(self, c: Any) -> Any:
        """tanh(LN(c))."""
        return ops.tanh(normalized(c) * self.cell_gain + self.cell_shift)


def normalized(values: Any) -> Any:
    """Mean 0 and variance 1 along the last axis."""
    centred = values - ops.mean(values, axis=-1, keepdims=True)
    return centred * ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + EPSILON)
