"""SimpleRNN's loop: h_t = tanh(x_t W + h_{t-1} U + b)."""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Tensors, product_over_time, scan


class SimpleRNNLoop(Loop):
    """Stores the derivative of tanh."""

    def forward(self, features: tf.Tensor, states: Tensors, weights: Tensors) -> tuple[Tensors, tf.Tensor, Tensors]:
        kernel, recurrent_kernel, bias = weights
        units = kernel.shape[-1]
        joined = tf.concat([recurrent_kernel, kernel, bias[None]], 0)

        def step(t: tf.Tensor, h: tf.Tensor) -> tuple[Tensors, Tensors]:
            read = tf.concat([h, features[t]], -1)
            h = tf.tanh(read @ joined)
            return [h], [read, 1 - h * h]

        last, (read, h_by_z) = scan(step, states, [joined.shape[0], units], tf.shape(features)[0])
        return last, read, [h_by_z]

    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        kernel, recurrent_kernel, _ = weights
        inputs, units = kernel.shape
        transposed = tf.transpose(recurrent_kernel)
        (h_by_z,) = saved

        def step(t: tf.Tensor, by_h: tf.Tensor) -> tuple[Tensors, Tensors]:
            by_h = above.plus(by_h, t)
            by_z = by_h * h_by_z[t]
            return [by_z @ transposed], [by_z, by_h]

        by_first, (by_z, by_hs) = scan(step, above.by_last, [units, units], tf.shape(read)[0], reverse=True)
        by_recurrent, by_kernel, by_bias = tf.split(product_over_time(read, by_z), [units, inputs, 1])
        return by_z, by_first, [by_kernel, by_recurrent, by_bias[0]], [by_hs]
