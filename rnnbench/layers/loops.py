"""What the loops of all cells share: the scan through time, and an explicit backward pass made of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensors = Sequence[tf.Tensor]


class Loop(ABC):
    """A cell's way through time. Sequences are time-major, (time, batch, width); states are (batch, units).

    The forward pass stores products of derivatives, so that a backward step is a multiplication by the gradient that
    arrives and one matrix product. Weights, their gradients and their order are those of the stock Keras cell:
    kernel, recurrent kernel, bias.
    """

    @abstractmethod
    def forward(self, inputs: tf.Tensor, states: Tensors, weights: Tensors) -> tuple[tf.Tensor, Tensors, Tensors]:
        """All h_t, the last states, and what `backward` asks for."""

    @abstractmethod
    def backward(
        self, inputs: tf.Tensor, states: Tensors, weights: Tensors, hs: tf.Tensor, saved: Tensors, above: Above
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        """The gradients by the inputs, the initial states and the weights, and the total ones by all h_t (and c_t)."""


class Above:
    """The gradient that comes from above: by each h_t, or by the last one alone, and by the last states."""

    def __init__(self, by_sequence: tf.Tensor | None, by_last: Tensors) -> None:
        self.by_sequence, self.by_last = by_sequence, list(by_last)

    def plus(self, gradient: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        """`gradient` with that of the output at step `t` added."""
        return gradient if self.by_sequence is None else gradient + self.by_sequence[t]


def scan(
    step: Callable[..., tuple[Tensors, Tensors]], states: Tensors, widths: Sequence[int], length: Any, reverse: bool
) -> tuple[Tensors, list[tf.Tensor]]:
    """Run `step(t, *states) -> (new states, rows)` over time: the last states, and the rows of all steps.

    `widths` holds the width of each row, (batch, width). What is stacked is never read: XLA copies a stack that a loop
    both reads and writes.
    """
    batch = states[0].shape[0]
    stacks = [tf.TensorArray(states[0].dtype, length, element_shape=(batch, width)) for width in widths]

    def body(count: Any, states: Tensors, stacks: Sequence[tf.TensorArray]) -> tuple[Any, Tensors, Any]:
        t = length - 1 - count if reverse else count
        new_states, rows = step(t, *states)
        return count + 1, list(new_states), [stack.write(t, row) for stack, row in zip(stacks, rows, strict=True)]

    _, states, stacks = tf.while_loop(
        lambda count, *_: count < length, body, (0, list(states), stacks), maximum_iterations=length
    )
    return list(states), [stack.stack() for stack in stacks]


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
        hs, last, saved = loop.forward(inputs, states, weights)

        def gradient(*upstream: tf.Tensor) -> Any:
            above = Above(upstream[0] if return_sequences else None, upstream[-n_states:])
            found = loop.backward(inputs, states, weights, hs, saved, above)
            by_inputs, by_states, by_weights, by_probes = found
            return by_inputs, *by_states, *by_weights, *(by_probes if probes else ())

        return (*([hs] if return_sequences else []), *last), gradient

    outputs = run(inputs, *states, *weights, *probes)
    return (outputs[0] if return_sequences else None), list(outputs[-n_states:])


def before(initial: tf.Tensor, states: tf.Tensor) -> tf.Tensor:
    """The state before each step, from the states after it."""
    return tf.concat([initial[None], states[:-1]], 0)


def with_ones(inputs: tf.Tensor) -> tf.Tensor:
    """`inputs` with a last feature that is one, whose weight is the bias."""
    return tf.concat([inputs, tf.ones_like(inputs[..., :1])], -1)


def product_over_time(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Sum over time and batch of left^T right."""
    flat = [tf.reshape(sequence, (-1, sequence.shape[-1])) for sequence in (left, right)]
    return tf.matmul(*flat, transpose_a=True)
