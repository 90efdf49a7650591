"""SimpleRNN's loop: h_t = tanh(x_t W + h_{t-1} U + b)."""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Steps, Tensors, scan, scan_back


class SimpleRNNLoop(Loop):
    """Stores nothing: the derivative of tanh is 1 - h_t^2."""

    def forward(
        self, features: tf.Tensor, states: Tensors, weights: Tensors, steps: Steps
    ) -> tuple[Tensors, tf.Tensor, Tensors]:
        kernel, recurrent_kernel, bias = weights
        joined = tf.concat([recurrent_kernel, kernel, bias[None]], 0)

        def step(t: tf.Tensor, read: tf.Tensor) -> tuple[Tensors, Tensors]:
            read = tf.concat([tf.tanh(steps.entering(t, read) @ joined), features[t + 1]], -1)
            return [read], [read]

        first = tf.concat([states[0], features[0]], -1)
        (last,), (read,) = scan(step, [first], [joined.shape[0]], steps, [first])
        return [last[:, : recurrent_kernel.shape[0]]], read, []

    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above, steps: Steps
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        kernel, recurrent_kernel, _ = weights
        inputs, units = kernel.shape
        transposed = tf.transpose(recurrent_kernel)

        def step(t: tf.Tensor, d_h: tf.Tensor) -> tuple[Tensors, Tensors]:
            h = read[t + 1][:, :units]
            d_h = above.plus(d_h, t)
            d_z = d_h * (1 - h * h)
            return [d_z @ transposed], [d_z, d_h]

        d_first, (d_z, d_hs), (d_joined,) = scan_back(step, above.d_last, [units, units], steps, [read])
        d_recurrent, d_kernel, d_bias = tf.split(d_joined, [units, inputs, 1])
        return d_z, d_first, [d_kernel, d_recurrent, d_bias[0]], [d_hs]

    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        kernel, recurrent_kernel, bias = weights
        return [tf.tanh(inputs @ kernel + states[0] @ recurrent_kernel + bias) + probes[0]]
