"""Recurrent cells as a user would write them, with nothing but Keras: what the benchmark of any cell loops over."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnnbench.bench.problem import PLAIN_CELLS


class _Cell(keras.Layer):
    """A kernel of `blocks` blocks for the inputs and one for h, and a bias."""

    blocks: int
    states: int

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units] * self.states

    def build(self, input_shape: Any) -> None:
        width = self.blocks * self.units
        self.kernel = self.add_weight(shape=(input_shape[-1], width), name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, width), initializer="orthogonal", name="recurrent")
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")


class LayerNormLSTM(_Cell):
    """LSTM with layer normalisation (Ba, Kiros & Hinton 2016, equations 20 to 22)."""

    blocks, states = 4, 2

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.norms = [keras.layers.LayerNormalization(dtype=self.dtype_policy) for _ in range(3)]

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        for norm, blocks in zip(self.norms, (4, 4, 1), strict=True):
            norm.build((None, blocks * self.units))

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        (h, c), (of_inputs, of_h, of_c) = states, self.norms
        z = of_inputs(inputs @ self.kernel) + of_h(h @ self.recurrent) + self.bias
        i, f, g, o = ops.split(z, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(of_c(c))
        return h, [h, c]


class JANET(_Cell):
    """LSTM with a forget gate alone (van der Westhuizen & Lasenby 2018, equations 6 to 9, beta of 1)."""

    blocks, states = 2, 1

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        (h,) = states
        s, g = ops.split(inputs @ self.kernel + h @ self.recurrent + self.bias, 2, axis=-1)
        h = ops.sigmoid(s) * h + (1 - ops.sigmoid(s - 1)) * ops.tanh(g)
        return h, [h]


class PeepholeLSTM(_Cell):
    """LSTM whose gates see its state c (Gers, Schraudolph & Schmidhuber 2002)."""

    blocks, states = 4, 2

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.peepholes = self.add_weight(shape=(3, self.units), initializer="random_normal", name="peepholes")

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        h, c = states
        of_i, of_f, of_o = ops.unstack(self.peepholes, axis=0)
        i, f, g, o = ops.split(inputs @ self.kernel + h @ self.recurrent + self.bias, 4, axis=-1)
        c = ops.sigmoid(f + of_f * c) * c + ops.sigmoid(i + of_i * c) * ops.tanh(g)
        h = ops.sigmoid(o + of_o * c) * ops.tanh(c)
        return h, [h, c]


CELLS = dict(zip(PLAIN_CELLS, (LayerNormLSTM, JANET, PeepholeLSTM), strict=True))
"""By the names that the benchmark gives them."""
