"""The cell of JANET (van der Westhuizen & Lasenby 2018, arXiv:1804.04849)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnnbench.layers.cell import Cell, tapped


@keras.saving.register_keras_serializable(package="rnnbench")
class JANETCell(Cell):
    """h_t = sigmoid(s_t) h_{t-1} + (1 - sigmoid(s_t - beta)) tanh(U_c h_{t-1} + W_c x_t + b_c), with
    s_t = U_f h_{t-1} + W_f x_t + b_f.

    Blocks of `kernel` (width, 2 x units), `recurrent_kernel` (units, 2 x units) and `bias`: f, then c.
    """

    def __init__(self, units: int, beta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.beta = beta

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        blocks = 2 * self.units
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], blocks))
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=(self.units, blocks))
        self.bias = self.add_weight(name="bias", shape=(blocks,), initializer="zeros")

    def call(self, inputs: Any, states: Any, taps: Sequence[Any] | None = None) -> tuple[Any, list[Any]]:
        (h,) = states
        forget, candidate = self.forget_and_candidate(inputs, h)
        # 1 - sigmoid(x) = sigmoid(-x), which loses no digits.
        h = ops.sigmoid(forget) * h + ops.sigmoid(self.beta - forget) * candidate
        h = tapped(h, taps, 0)
        return h, [h]

    def forget_and_candidate(self, inputs: Any, h: Any) -> tuple[Any, Any]:
        """What enters the gate, s, and the candidate, (..., units) each."""
        products = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        forget, candidate = ops.split(products, 2, axis=-1)
        return forget, ops.tanh(candidate)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"beta": self.beta}
