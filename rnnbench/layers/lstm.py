"""LSTM's loop: blocks i, f, g (the candidate), o in this order; c_t = f c_{t-1} + i g, h_t = o tanh(c_t)."""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Steps, Tensors, scan, scan_back

TINY = 1e-30
"""Stands for an output gate of 0 in a denominator."""


class LSTMLoop(Loop):
    """Stores the derivatives of c_t w.r.t. what enters i, f and g; and o and f."""

    def forward(
        self, features: tf.Tensor, states: Tensors, weights: Tensors, steps: Steps
    ) -> tuple[Tensors, tf.Tensor, Tensors]:
        kernel, recurrent_kernel, bias = weights
        units = recurrent_kernel.shape[0]
        # sigmoid(z) = (1 + tanh(z / 2)) / 2: with the half in the weights, all blocks are one tanh.
        half = tf.repeat(tf.constant([0.5, 0.5, 1.0, 0.5], kernel.dtype), units)
        joined = tf.concat([recurrent_kernel, kernel, bias[None]], 0) * half

        def step(t: tf.Tensor, read: tf.Tensor, c: tf.Tensor) -> tuple[Tensors, Tensors]:
            read, c = steps.entering(t, read), steps.entering(t, c)
            i, f, g, o = tf.split(tf.tanh(read @ joined), 4, -1)
            i, f, o = (1 + i) / 2, (1 + f) / 2, (1 + o) / 2
            dc_dblocks = [g * i * (1 - i), c * f * (1 - f), i * (1 - g * g)]
            c = f * c + i * g
            read = tf.concat([o * tf.tanh(c), features[t + 1]], -1)
            return [read, c], [read, *dc_dblocks, o, f]

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
        dc_di, dc_df, dc_dg, output, forget = saved

        def step(t: tf.Tensor, d_h: tf.Tensor, d_c: tf.Tensor) -> tuple[Tensors, Tensors]:
            d_h, h, o = above.plus(d_h, t), read[t + 1][:, :units], output[t + 1]
            # o (1 - tanh(c)^2), from h = o tanh(c); where the gate is 0, so is h.
            dh_dc = o - h * h / tf.maximum(o, o.dtype.as_numpy_dtype(TINY))
            # By the state c_t beside h_t: what flows through h_t is the derivative by h_t.
            d_state = d_c
            d_c = d_c + d_h * dh_dc
            d_o = d_h * h * (1 - o)
            d_z = tf.concat([d_c * dc_di[t + 1], d_c * dc_df[t + 1], d_c * dc_dg[t + 1], d_o], -1)
            return [d_z @ transposed, d_c * forget[t + 1]], [d_z, d_h, d_state]

        widths = [4 * units, units, units]
        d_first, (d_z, *d_states), (d_joined,) = scan_back(step, above.d_last, widths, steps, [read])
        d_recurrent, d_kernel, d_bias = tf.split(d_joined, [units, kernel.shape[0], 1])
        return d_z, d_first, [d_kernel, d_recurrent, d_bias[0]], d_states

    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        (h, c), (kernel, recurrent_kernel, bias) = states, weights
        i, f, g, o = tf.split(inputs @ kernel + h @ recurrent_kernel + bias, 4, -1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return [tf.sigmoid(o) * tf.tanh(c) + probes[0], c + probes[1]]
