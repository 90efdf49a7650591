"""LSTM's loop: gates i, f, g, o in this order; c_t = f c_{t-1} + i g, h_t = o tanh(c_t)."""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Steps, Tensors, scan, scan_back

TINY = 1e-30
"""Stands for an output gate of 0 in a denominator."""


class LSTMLoop(Loop):
    """Stores the derivatives of c_t by what enters i, f and g; o and f."""

    def forward(
        self, features: tf.Tensor, states: Tensors, weights: Tensors, steps: Steps
    ) -> tuple[Tensors, tf.Tensor, Tensors]:
        kernel, recurrent_kernel, bias = weights
        units = recurrent_kernel.shape[0]
        # sigmoid(z) = (1 + tanh(z / 2)) / 2: with the half in the weights, all gates are one tanh.
        half = tf.repeat(tf.constant([0.5, 0.5, 1.0, 0.5], kernel.dtype), units)
        joined = tf.concat([recurrent_kernel, kernel, bias[None]], 0) * half

        def step(t: tf.Tensor, read: tf.Tensor, c: tf.Tensor) -> tuple[Tensors, Tensors]:
            i, f, g, o = tf.split(tf.tanh(read @ joined), 4, -1)
            i, f, o = (1 + i) / 2, (1 + f) / 2, (1 + o) / 2
            c_by_gates = [g * i * (1 - i), c * f * (1 - f), i * (1 - g * g)]
            c = f * c + i * g
            read = tf.concat([o * tf.tanh(c), features[t + 1]], -1)
            return [read, c], [read, *c_by_gates, o, f]

        h, c = states
        first = tf.concat([h, features[0]], -1)
        widths = [joined.shape[0], *[units] * 5]
        (last, c), (read, *saved) = scan(step, [first, c], widths, steps, [first])
        return [last[:, :units], c], read, saved

    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above, steps: Steps
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        kernel, recurrent_kernel, _ = weights
        units = recurrent_kernel.shape[0]
        transposed = tf.transpose(recurrent_kernel)
        c_by_i, c_by_f, c_by_g, output, forget = saved

        def step(t: tf.Tensor, by_h: tf.Tensor, by_c: tf.Tensor) -> tuple[Tensors, Tensors]:
            by_h, h, o = above.plus(by_h, t), read[t + 1][:, :units], output[t + 1]
            # o (1 - tanh(c)^2), of h = o tanh(c); a gate that is shut is 0, and so is h.
            h_by_c = o - h * h / tf.maximum(o, o.dtype.as_numpy_dtype(TINY))
            by_c = by_c + by_h * h_by_c
            by_o = by_h * h * (1 - o)
            by_z = tf.concat([by_c * c_by_i[t + 1], by_c * c_by_f[t + 1], by_c * c_by_g[t + 1], by_o], -1)
            return [by_z @ transposed, by_c * forget[t + 1]], [by_z, by_h, by_c]

        widths = [4 * units, units, units]
        by_first, (by_z, *by_states), (by_joined,) = scan_back(step, above.by_last, widths, steps, [read])
        by_recurrent, by_kernel, by_bias = tf.split(by_joined, [units, kernel.shape[0], 1])
        return by_z, by_first, [by_kernel, by_recurrent, by_bias[0]], by_states

    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        (h, c), (kernel, recurrent_kernel, bias) = states, weights
        i, f, g, o = tf.split(inputs @ kernel + h @ recurrent_kernel + bias, 4, -1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g) + probes[1]
        return [tf.sigmoid(o) * tf.tanh(c) + probes[0], c]
