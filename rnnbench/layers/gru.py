"""GRU's loop, `reset_after=True`: gates z, r and the candidate n = tanh(x W_n + b_n + r (h U_n + d_n)), in this order.

h_t = z h_{t-1} + (1 - z) n. The bias has two rows, b for the products of the inputs and d for those of the state.
"""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Steps, Tensors, scan, scan_back


class GRULoop(Loop):
    """Stores the derivatives of h_t w.r.t. what enters z and r, w.r.t. h_{t-1} U_n and w.r.t. what enters n; and z."""

    def forward(
        self, features: tf.Tensor, states: Tensors, weights: Tensors, steps: Steps
    ) -> tuple[Tensors, tf.Tensor, Tensors]:
        kernel, recurrent_kernel, bias = weights
        units = recurrent_kernel.shape[0]
        input_weights = tf.concat([kernel, bias[:1]], 0)
        # sigmoid(z) = (1 + tanh(z / 2)) / 2: with the half in the weights, both gates are one tanh.
        half = tf.repeat(tf.constant([0.5, 0.5, 1.0], kernel.dtype), units)
        gates_only = tf.repeat(tf.constant([1.0, 1.0, 0.0], kernel.dtype), units)
        state_bias = tf.pad(bias[1:], [[kernel.shape[0], 0], [0, 0]])
        joined = tf.concat([recurrent_kernel, input_weights * gates_only + state_bias], 0) * half
        candidate = tf.matmul(features, input_weights[:, 2 * units :])

        def step(t: tf.Tensor, h: tf.Tensor) -> tuple[Tensors, Tensors]:
            read = tf.concat([h, features[t]], -1)
            h, products = steps.entering(t, h), steps.entering(t, read) @ joined
            z, r = tf.split((1 + tf.tanh(products[:, : 2 * units])) / 2, 2, -1)
            product = products[:, 2 * units :]
            n = tf.tanh(candidate[t] + r * product)
            dh_dn = (1 - z) * (1 - n * n)
            saved = [(h - n) * z * (1 - z), dh_dn * product * r * (1 - r), dh_dn * r, dh_dn, z]
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
        dh_dz, dh_dr, dh_dproduct, dh_dn, keep = saved

        def step(t: tf.Tensor, d_h: tf.Tensor) -> tuple[Tensors, Tensors]:
            d_h = above.plus(d_h, t)
            d_products = tf.concat([d_h * dh_dz[t], d_h * dh_dr[t], d_h * dh_dproduct[t]], -1)
            return [d_h * keep[t] + d_products @ transposed], [d_products, d_h * dh_dn[t], d_h]

        widths = [3 * units, units, units]
        lefts = [read, read[..., units:]]
        d_first, (d_products, d_n, d_hs), sums = scan_back(step, above.d_last, widths, steps, lefts)
        d_joined, d_candidate = sums
        d_recurrent, d_gates, d_bias = tf.split(d_joined, [units, inputs, 1])
        d_kernel = tf.concat([d_gates[:, : 2 * units], d_candidate[:-1]], -1)
        d_input_bias = tf.concat([d_bias[:, : 2 * units], d_candidate[-1:]], -1)
        d_projection = tf.concat([d_products[..., : 2 * units], d_n], -1)
        return d_projection, d_first, [d_kernel, d_recurrent, tf.concat([d_input_bias, d_bias], 0)], [d_hs]

    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        (h,), (kernel, recurrent_kernel, bias) = states, weights
        z, r, n = tf.split(inputs @ kernel + bias[0], 3, -1)
        z_of_state, r_of_state, n_of_state = tf.split(h @ recurrent_kernel + bias[1], 3, -1)
        z, r = tf.sigmoid(z + z_of_state), tf.sigmoid(r + r_of_state)
        return [z * h + (1 - z) * tf.tanh(n + r * n_of_state) + probes[0]]
