"""GRU's loop, `reset_after=True`: gates z, r and the candidate n = tanh(x W_n + b_n + r (h U_n + d_n)), in this order.

h_t = z h_{t-1} + (1 - z) n. The bias has two rows, b by the inputs and d by the state.
"""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Steps, Tensors, scan, scan_back


class GRULoop(Loop):
    """Stores the derivatives of h_t by what enters z and r, by h_{t-1} U_n, and by what enters n; and z."""

    def forward(
        self, features: tf.Tensor, states: Tensors, weights: Tensors, steps: Steps
    ) -> tuple[Tensors, tf.Tensor, Tensors]:
        kernel, recurrent_kernel, bias = weights
        units = recurrent_kernel.shape[0]
        by_input = tf.concat([kernel, bias[:1]], 0)
        # sigmoid(z) = (1 + tanh(z / 2)) / 2: with the half in the weights, both gates are one tanh.
        half = tf.repeat(tf.constant([0.5, 0.5, 1.0], kernel.dtype), units)
        gates_only = tf.repeat(tf.constant([1.0, 1.0, 0.0], kernel.dtype), units)
        state_bias = tf.pad(bias[1:], [[kernel.shape[0], 0], [0, 0]])
        joined = tf.concat([recurrent_kernel, by_input * gates_only + state_bias], 0) * half
        candidate = tf.matmul(features, by_input[:, 2 * units :])

        def step(t: tf.Tensor, h: tf.Tensor) -> tuple[Tensors, Tensors]:
            read = tf.concat([h, features[t]], -1)
            products = read @ joined
            z, r = tf.split((1 + tf.tanh(products[:, : 2 * units])) / 2, 2, -1)
            by_state = products[:, 2 * units :]
            n = tf.tanh(candidate[t] + r * by_state)
            by_n = (1 - z) * (1 - n * n)
            saved = [(h - n) * z * (1 - z), by_n * by_state * r * (1 - r), by_n * r, by_n, z]
            return [n + z * (h - n)], [read, *saved]

        widths = [joined.shape[0], *[units] * 5]
        last, (read, *saved) = scan(step, states, widths, steps)
        return last, read, saved

    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above, steps: Steps
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        kernel, recurrent_kernel, _ = weights
        inputs, units = kernel.shape[0], recurrent_kernel.shape[0]
        transposed = tf.transpose(recurrent_kernel)
        h_by_z, h_by_r, h_by_product, h_by_n, keep = saved

        def step(t: tf.Tensor, by_h: tf.Tensor) -> tuple[Tensors, Tensors]:
            by_h = above.plus(by_h, t)
            by_products = tf.concat([by_h * h_by_z[t], by_h * h_by_r[t], by_h * h_by_product[t]], -1)
            return [by_h * keep[t] + by_products @ transposed], [by_products, by_h * h_by_n[t], by_h]

        widths = [3 * units, units, units]
        lefts = [read, read[..., units:]]
        by_first, (by_products, by_n, by_hs), sums = scan_back(step, above.by_last, widths, steps, lefts)
        by_joined, by_candidate = sums
        by_recurrent, by_gates, by_bias = tf.split(by_joined, [units, inputs, 1])
        by_kernel = tf.concat([by_gates[:, : 2 * units], by_candidate[:-1]], -1)
        by_input_bias = tf.concat([by_bias[:, : 2 * units], by_candidate[-1:]], -1)
        by_projection = tf.concat([by_products[..., : 2 * units], by_n], -1)
        return by_projection, by_first, [by_kernel, by_recurrent, tf.concat([by_input_bias, by_bias], 0)], [by_hs]

    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        (h,), (kernel, recurrent_kernel, bias) = states, weights
        z, r, n = tf.split(inputs @ kernel + bias[0], 3, -1)
        z_by_state, r_by_state, n_by_state = tf.split(h @ recurrent_kernel + bias[1], 3, -1)
        z, r = tf.sigmoid(z + z_by_state), tf.sigmoid(r + r_by_state)
        return [z * h + (1 - z) * tf.tanh(n + r * n_by_state) + probes[0]]
