"""What the loops of all cells share: the scan through time, and an explicit backward pass made of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensors = Sequence[tf.Tensor]

ADDED_UP_FROM = 64
"""Batch from which on the weights' gradients are added up step by step: as fast there as one product over all steps,
whose rows would take most of the memory."""


class Loop(ABC):
    """A cell's way through time. Sequences are time-major, (time, batch, width); states are (batch, units).

    The forward pass stores derivatives as products where they do not follow at once from the states, so that a backward
    step is some multiplications by the gradient that arrives and one matrix product. Weights, their gradients and their
    order are those of the stock Keras cell: kernel, recurrent kernel, bias.
    """

    @abstractmethod
    def forward(self, features: tf.Tensor, states: Tensors, weights: Tensors) -> tuple[Tensors, tf.Tensor, Tensors]:
        """The last states, what each step read, and what `backward` asks for.

        `features`: the inputs with a last one that is always 1, whose weight is the bias. What a step reads is
        [h_{t-1}, features_t].
        """

    @abstractmethod
    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        """The gradients by x_t kernel, by the initial states, by the weights, and the total ones by all h_t (and c_t).

        `read` and `saved` are what `forward` returned.
        """


class Above:
    """The gradient that comes from above: by each h_t, or by the last one alone, and by the last states."""

    def __init__(self, by_sequence: tf.Tensor | None, by_last: Tensors) -> None:
        self.by_sequence, self.by_last = by_sequence, list(by_last)

    def plus(self, gradient: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        """`gradient` with that of the output at step `t` added."""
        return gradient if self.by_sequence is None else gradient + self.by_sequence[t]


def recurrence(
    loop: Loop, inputs: tf.Tensor, states: Tensors, weights: Tensors, return_sequences: bool, probes: Tensors = ()
) -> tuple[tf.Tensor | None, list[tf.Tensor]]:
    """All h_t (None unless `return_sequences`) and the last states, differentiable by inputs, states and weights.

    `probes`: none, or one tensor for each state, (time, batch, units), of which only the gradient means something: it
    is that by the state at each step, with all that flows through later steps.
    """
    n_states, n_weights = len(states), len(weights)

    @tf.custom_gradient
    def run(inputs: tf.Tensor, *rest: tf.Tensor) -> Any:
        states, weights, probes = rest[:n_states], rest[n_states:][:n_weights], rest[n_states + n_weights :]
        features = tf.concat([inputs, tf.ones_like(inputs[..., :1])], -1)
        last, read, saved = loop.forward(features, states, weights)

        def gradient(*upstream: tf.Tensor) -> Any:
            above = Above(upstream[0] if return_sequences else None, upstream[-n_states:])
            by_projection, by_states, by_weights, by_probes = loop.backward(read, saved, weights, above)
            by_inputs = tf.matmul(by_projection, weights[0], transpose_b=True)
            return by_inputs, *by_states, *by_weights, *(by_probes if probes else ())

        hs = tf.concat([read[1:, :, : states[0].shape[-1]], last[0][None]], 0)
        return (*([hs] if return_sequences else []), *last), gradient

    outputs = run(inputs, *states, *weights, *probes)
    return (outputs[0] if return_sequences else None), list(outputs[-n_states:])


def scan(
    step: Callable[..., tuple[Tensors, Tensors]],
    states: Tensors,
    widths: Sequence[int],
    length: tf.Tensor,
    reverse: bool = False,
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Run `step(t, *states) -> (new states, rows)` over time: the last states, and the rows of all steps.

    `widths` holds the width of each row, (batch, width). What is stacked is never read in the loop: XLA copies a stack
    that a loop both reads and writes.
    """
    batch = states[0].shape[0]
    stacks = [tf.TensorArray(states[0].dtype, length, element_shape=(batch, width)) for width in widths]

    def body(count: tf.Tensor, states: Tensors, stacks: Sequence[tf.TensorArray]) -> tuple[Any, Tensors, Any]:
        t = length - 1 - count if reverse else count
        new_states, rows = step(t, *states)
        return count + 1, list(new_states), [stack.write(t, row) for stack, row in zip(stacks, rows, strict=True)]

    _, states, stacks = tf.while_loop(lambda count, *_: count < length, body, (0, list(states), stacks))
    return list(states), [stack.stack() for stack in stacks]


def scan_back(
    step: Callable[..., tuple[Tensors, Tensors]], states: Tensors, widths: Sequence[int], lefts: Tensors
) -> tuple[list[tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
    """`scan` from the last step to the first; and the sum over time and batch of left^T row, for each of `lefts`, a
    sequence that goes with the row at its place.
    """
    length, batch, count = tf.shape(lefts[0])[0], lefts[0].shape[1], len(states)
    if batch is None or batch < ADDED_UP_FROM:
        found, rows = scan(step, states, widths, length, reverse=True)
        return found, rows, [product_over_time(left, row) for left, row in zip(lefts, rows, strict=False)]

    def adding(t: tf.Tensor, *carried: tf.Tensor) -> tuple[Tensors, Tensors]:
        new_states, rows = step(t, *carried[:count])
        shares = [tf.matmul(left[t], row, transpose_a=True) for left, row in zip(lefts, rows, strict=False)]
        return [*new_states, *(total + share for total, share in zip(carried[count:], shares, strict=True))], rows

    nothing = [tf.zeros((left.shape[-1], width), left.dtype) for left, width in zip(lefts, widths, strict=False)]
    found, rows = scan(adding, [*states, *nothing], widths, length, reverse=True)
    return found[:count], rows, found[count:]


def product_over_time(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Sum over time and batch of left^T right."""
    flat = [tf.reshape(sequence, (-1, sequence.shape[-1])) for sequence in (left, right)]
    return tf.matmul(*flat, transpose_a=True)
