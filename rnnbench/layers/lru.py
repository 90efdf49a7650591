"""The cell of the LRU (Orvieto et al. 2023, arXiv:2303.06349)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from rnnbench.layers.linear_product import affine, product
from rnnbench.layers.linear_rnn import LinearCell


@keras.saving.register_keras_serializable(package="rnnbench")
class LRUCell(LinearCell):
    """h_t = lambda h_{t-1} + exp(gamma_log) B x_t, y_t = Re(C h_t) + D x_t, complex and unit by unit in h, and the
    gated linear unit of the block around it: (W_1 gelu(y_t) + b_1) sigmoid(W_2 gelu(y_t) + b_2).

    lambda = exp(-exp(nu_log) + i exp(theta_log)). States: real and imaginary part of h. Complex matrices are held as
    two blocks, real and imaginary: `kernel`, B, (width, 2 x units), and `output_kernel`, C, (2 x units, units). D is
    `skip_kernel`, (width, units), as in section 2 of the paper: in its code, whose inputs are as wide as the outputs,
    it is diagonal. `gate_kernel`, (units, 2 x units), and `gate_bias` hold W_1 and W_2 beside each other.
    """

    states = 2

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        units, width = self.units, input_shape[-1]
        self.nu_log, self.theta_log, self.gamma_log = (
            self.add_weight(name=name, shape=(units,), initializer="zeros")
            for name in ("nu_log", "theta_log", "gamma_log")
        )
        self.kernel = self.add_weight(name="kernel", shape=(width, 2 * units))
        self.output_kernel = self.add_weight(name="output_kernel", shape=(2 * units, units))
        self.skip_kernel = self.add_weight(name="skip_kernel", shape=(width, units))
        self.gate_kernel = self.add_weight(name="gate_kernel", shape=(units, 2 * units))
        self.gate_bias = self.add_weight(name="gate_bias", shape=(2 * units,), initializer="zeros")

    def coefficients(self, inputs: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        modulus, phase = tf.exp(-tf.exp(self.nu_log.value)), tf.exp(self.theta_log.value)
        scale = tf.exp(self.gamma_log.value)
        kernel = self.kernel.value * tf.concat([scale, scale], 0)
        return [modulus * tf.cos(phase), modulus * tf.sin(phase)], tf.split(product(inputs, kernel), 2, -1)

    def read(self, states: Sequence[Any], inputs: Any) -> Any:
        real, imaginary = tf.split(self.output_kernel.value, 2, 0)
        weights = tf.concat([real, -imaginary, self.skip_kernel.value], 0)
        y = tf.nn.gelu(product(tf.concat([*states, inputs], -1), weights), approximate=True)
        linear, gate = tf.split(affine(y, self.gate_kernel.value, self.gate_bias.value), 2, -1)
        return linear * tf.sigmoid(gate)
