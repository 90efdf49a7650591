"""SimpleRNN's loop: h_t = tanh(x_t W + h_{t-1} U + b)."""

from __future__ import annotations

import tensorflow as tf

from rnnbench.layers.loops import Above, Loop, Tensors, before, product_over_time, scan, with_ones


class SimpleRNNLoop(Loop):
    """Stores nothing but h_t: the derivative of tanh is 1 - h_t^2."""

    def forward(self, inputs: tf.Tensor, states: Tensors, weights: Tensors) -> tuple[tf.Tensor, Tensors, Tensors]:
        kernel, recurrent_kernel, bias = weights
        joined = tf.concat([recurrent_kernel, kernel, bias[None]], 0)
        features = with_ones(inputs)

        def step(t: tf.Tensor, h: tf.Tensor) -> tuple[Tensors, Tensors]:
            h = tf.tanh(tf.concat([h, features[t]], -1) @ joined)
            return [h], [h]

        last, (hs,) = scan(step, states, [states[0].shape[-1]], tf.shape(inputs)[0], reverse=False)
        return hs, last, []

    def backward(
        self, inputs: tf.Tensor, states: Tensors, weights: Tensors, hs: tf.Tensor, saved: Tensors, above: Above
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        kernel, recurrent_kernel, _ = weights
        units = states[0].shape[-1]
        transposed = tf.transpose(recurrent_kernel)

        def step(t: tf.Tensor, by_h: tf.Tensor) -> tuple[Tensors, Tensors]:
            by_h = above.plus(by_h, t)
            by_z = by_h * (1 - tf.square(hs[t]))
            return [by_z @ transposed], [by_z, by_h]

        by_first, (by_z, by_hs) = scan(step, above.by_last, [units, units], tf.shape(inputs)[0], reverse=True)
        read = tf.concat([before(states[0], hs), with_ones(inputs)], -1)
        by_weights = product_over_time(read, by_z)
        by_recurrent, by_kernel, by_bias = tf.split(by_weights, [units, kernel.shape[0], 1])
        by_inputs = tf.matmul(by_z, kernel, transpose_b=True)
        return by_inputs, by_first, [by_kernel, by_recurrent, by_bias[0]], [by_hs]
