"""The product of a sequence and a kernel, whose gradient has the same bits in a buffer of any length."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnnbench.layers.loops import BLOCK, UNKNOWN_BATCH, hidden


def affine(inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """inputs kernel + bias; `inputs`: (batch, width), or (time, batch, width) as in `product`."""
    inputs = tf.convert_to_tensor(inputs)
    if inputs.shape.rank == 2:
        return inputs @ kernel + bias
    # The gradient of the bias, a sum over time, is a row of the same product.
    inputs = tf.concat([inputs, tf.ones_like(inputs[..., :1])], -1)
    return product(inputs, tf.concat([kernel, bias[None]], 0))


def product(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """inputs kernel; `inputs`: (time, batch, width), `kernel`: (width, units). Differentiable any number of times."""
    inputs = tf.convert_to_tensor(inputs)
    if inputs.shape.rank == 2:
        return inputs @ kernel

    @tf.custom_gradient
    def run(inputs: tf.Tensor, kernel: tf.Tensor) -> Any:
        def gradient(above: tf.Tensor) -> Any:
            return product(above, tf.transpose(kernel)), _sum_over_steps(inputs, above)

        return tf.tensordot(hidden(inputs), hidden(kernel), 1), gradient

    return run(inputs, kernel)


def _sum_over_steps(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """The sum over time and batch of left^T right, (width, units): block by block, as one product may add the steps of
    sequences of different lengths in different orders. Steps that are 0 add nothing, so trailing blocks do not either.
    """

    @tf.custom_gradient
    def run(left: tf.Tensor, right: tf.Tensor) -> Any:
        def gradient(above: tf.Tensor) -> Any:
            return product(right, tf.transpose(above)), product(left, above)

        return _blockwise(hidden(left), hidden(right)), gradient

    return run(left, right)


def _blockwise(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    # Of batch and units alone.
    block = max(1, BLOCK // ((left.shape[1] or UNKNOWN_BATCH) * right.shape[-1]))
    length = tf.shape(left)[0] if left.shape[0] is None else left.shape[0]
    # One row more at least, always: XLA lays out what is not padded in another way, whose products round differently.
    blocks = length // block + 1

    def in_blocks(rows: tf.Tensor) -> tf.Tensor:
        rows = tf.pad(rows, [[0, blocks * block - length], [0, 0], [0, 0]])
        return tf.reshape(rows, (blocks, -1, rows.shape[-1]))

    lefts, rights = in_blocks(left), in_blocks(right)

    def body(index: tf.Tensor, total: tf.Tensor) -> Any:
        return index + 1, total + tf.matmul(lefts[index], rights[index], transpose_a=True)

    begin = (0, tf.zeros((left.shape[-1], right.shape[-1]), left.dtype))
    return tf.while_loop(lambda index, _: index < blocks, body, begin)[1]
