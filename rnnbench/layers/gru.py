"""GRU's loop, `reset_after=True`: gates z, r and the candidate n = tanh(x W_n + b_n + r (h U_n + d_n)), in this order.

h_t = z h_{t-1} + (1 - z) n.
"""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Tensors, before, product_over_time, scan, with_ones


class GRULoop(Loop):
    """Stores the derivatives of h_t by h_{t-1} U, by x_t W_n, and z. `bias` has two rows: by inputs and by state."""

    def forward(self, inputs: tf.Tensor, states: Tensors, weights: Tensors) -> tuple[tf.Tensor, Tensors, Tensors]:
        kernel, recurrent_kernel, bias = weights
        units = states[0].shape[-1]
        # sigmoid(z) = (1 + tanh(z / 2)) / 2: with the half in the weights, both gates are one tanh.
        half = tf.constant([0.5, 0.5, 1.0], kernel.dtype)
        gates_only = tf.constant([1.0, 1.0, 0.0], kernel.dtype)
        by_input = tf.concat([kernel, bias[:1]], 0)
        state_bias = tf.pad(bias[1:], [[kernel.shape[0], 0], [0, 0]])
        joined = tf.concat([recurrent_kernel, by_input * tf.repeat(gates_only, units) + state_bias], 0)
        joined *= tf.repeat(half, units)
        features = with_ones(inputs)
        candidate = tf.matmul(features, by_input[:, 2 * units :])

        def step(t: tf.Tensor, h: tf.Tensor) -> tuple[Tensors, Tensors]:
            products = tf.concat([h, features[t]], -1) @ joined
            z, r = tf.split((1 + tf.tanh(products[:, : 2 * units])) / 2, 2, -1)
            m = products[:, 2 * units :]
            n = tf.tanh(candidate[t] + r * m)
            by_n = (1 - z) * (1 - n * n)
            saved = [(h - n) * z * (1 - z), by_n * m * r * (1 - r), by_n * r, by_n, z]
            h = n + z * (h - n)
            return [h], [h, *saved]

        last, (hs, *saved) = scan(step, states, [units] * 6, tf.shape(inputs)[0], reverse=False)
        return hs, last, saved

    def backward(
        self, inputs: tf.Tensor, states: Tensors, weights: Tensors, hs: tf.Tensor, saved: Tensors, above: Above
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        kernel, recurrent_kernel, _ = weights
        units = states[0].shape[-1]
        transposed = tf.transpose(recurrent_kernel)
        h_by_z, h_by_r, h_by_m, h_by_n, keep = saved

        def step(t: tf.Tensor, by_h: tf.Tensor) -> tuple[Tensors, Tensors]:
            by_h = above.plus(by_h, t)
            by_products = tf.concat([by_h * h_by_z[t], by_h * h_by_r[t], by_h * h_by_m[t]], -1)
            return [by_h * keep[t] + by_products @ transposed], [by_products, by_h * h_by_n[t], by_h]

        widths = [3 * units, units, units]
        by_first, (by_products, by_n, by_hs) = scan(step, above.by_last, widths, tf.shape(inputs)[0], reverse=True)
        features = with_ones(inputs)
        read = tf.concat([before(states[0], hs), features], -1)
        by_recurrent, by_gates, by_bias = tf.split(product_over_time(read, by_products), [units, kernel.shape[0], 1])
        by_candidate = product_over_time(features, by_n)
        by_kernel = tf.concat([by_gates[:, : 2 * units], by_candidate[:-1]], -1)
        by_input_bias = tf.concat([by_bias[:, : 2 * units], by_candidate[-1:]], -1)
        by_z = tf.concat([by_products[..., : 2 * units], by_n], -1)
        by_inputs = tf.matmul(by_z, kernel, transpose_b=True)
        return by_inputs, by_first, [by_kernel, by_recurrent, tf.concat([by_input_bias, by_bias], 0)], [by_hs]
