"""SimpleRNN's loop: h_t = tanh(x_t W + h_{t-1} U + b)."""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Tensors, scan, scan_back


class SimpleRNNLoop(Loop):
    """Stores nothing: the derivative of tanh is 1 - h_t^2."""

    def forward(self, features: tf.Tensor, states: Tensors, weights: Tensors) -> tuple[Tensors, tf.Tensor, Tensors]:
        kernel, recurrent_kernel, bias = weights
        joined = tf.concat([recurrent_kernel, kernel, bias[None]], 0)

        def step(t: tf.Tensor, h: tf.Tensor) -> tuple[Tensors, Tensors]:
            read = tf.concat([h, features[t]], -1)
            h = tf.tanh(read @ joined)
            return [h], [read]

        last, (read,) = scan(step, states, [joined.shape[0]], tf.shape(features)[0])
        return last, read, last

    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        kernel, recurrent_kernel, _ = weights
        inputs, units = kernel.shape
        transposed = tf.transpose(recurrent_kernel)

        def step(t: tf.Tensor, by_h: tf.Tensor, h: tf.Tensor) -> tuple[Tensors, Tensors]:
            by_h = above.plus(by_h, t)
            by_z = by_h * (1 - h * h)
            return [by_z @ transposed, read[t][:, :units]], [by_z, by_h]

        states = [*above.by_last, *saved]
        (by_first, _), (by_z, by_hs), (by_joined,) = scan_back(step, states, [units, units], [read])
        by_recurrent, by_kernel, by_bias = tf.split(by_joined, [units, inputs, 1])
        return by_z, [by_first], [by_kernel, by_recurrent, by_bias[0]], [by_hs]
