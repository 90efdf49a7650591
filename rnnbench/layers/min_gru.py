"""The cell of minGRU (Feng et al. 2024, arXiv:2410.01201, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from rnnbench.layers.linear_product import affine
from rnnbench.layers.linear_rnn import LinearCell


@keras.saving.register_keras_serializable(package="rnnbench")
class MinGRUCell(LinearCell):
    """h_t = (1 - z_t) h_{t-1} + z_t h~_t, with z_t = sigmoid(W_z x_t + b_z) and h~_t = W_h x_t + b_h.

    Blocks of `kernel` (width, 2 x units) and `bias`: z, then h~.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 2 * self.units))
        self.bias = self.add_weight(name="bias", shape=(2 * self.units,), initializer="zeros")

    def coefficients(self, inputs: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        gate, candidate = self.gate_and_candidate(inputs)
        return [1 - gate], [gate * candidate]

    def gate_and_candidate(self, inputs: Any) -> tuple[Any, Any]:
        """z and h~, (..., units) each."""
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        gate, candidate = tf.split(affine(inputs, kernel, bias), 2, -1)
        return tf.sigmoid(gate), candidate
