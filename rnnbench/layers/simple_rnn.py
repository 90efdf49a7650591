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
            read = tf.concat([tf.tanh(read @ joined), features[t + 1]], -1)
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

        def step(t: tf.Tensor, by_h: tf.Tensor) -> tuple[Tensors, Tensors]:
            h = read[t + 1][:, :units]
            by_h = above.plus(by_h, t)
            by_z = by_h * (1 - h * h)
            return [by_z @ transposed], [by_z, by_h]

        by_first, (by_z, by_hs), (by_joined,) = scan_back(step, above.by_last, [units, units], steps, [read])
        by_recurrent, by_kernel, by_bias = tf.split(by_joined, [units, inputs, 1])
        return by_z, by_first, [by_kernel, by_recurrent, by_bias[0]], [by_hs]

    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        kernel, recurrent_kernel, bias = weights
        return [tf.tanh(inputs @ kernel + states[0] @ recurrent_kernel + bias) + probes[0]]
