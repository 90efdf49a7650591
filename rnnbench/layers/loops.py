"""What the loops of all cells share: the scan through time, and an explicit backward pass made of it.

Derivatives of its gradients are those of `plain`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from rnnbench.layers.differentiable import gradients, in_a_graph

Tensors = Sequence[tf.Tensor]

BLOCK = 2**16
"""Values of a state, over steps and batch, whose share of the weights' gradients is one product: few enough to stay in
the cache, and enough for the product to be a fast one."""
UNKNOWN_BATCH = 32
"""Taken for a batch that is not known when a function is traced, in choosing the blocks."""


@dataclass(frozen=True)
class Steps:
    """How many steps in time there are, how they fall into blocks, and whether they are frozen."""

    length: tf.Tensor | int
    block: int
    frozen: bool
    """Whether nobody asks for the gradients by the weights."""

    @classmethod
    def of(cls, inputs: tf.Tensor, state: tf.Tensor, frozen: bool) -> Steps:
        """Those of `inputs`, (time, batch, width), and of a state, (batch, units)."""
        batch, units = state.shape
        block = max(1, BLOCK // ((batch or UNKNOWN_BATCH) * units))
        length = inputs.shape[0]
        if length is None:
            return cls(tf.shape(inputs)[0], block, frozen)
        rows = length + 1
        return cls(length, ceil(rows / ceil(rows / block)), frozen)  # blocks of about the same length waste the least

    @property
    def blocks(self) -> tf.Tensor | int:
        """Blocks that hold a row for each step and one more."""
        return self.length // self.block + 1

    @property
    def rows(self) -> tf.Tensor | int:
        """Rows in all blocks."""
        return self.blocks * self.block


class Loop(ABC):
    """A cell's way through time. Sequences are time-major, (time, batch, width); states are (batch, units).

    The forward pass stores what the backward pass asks for, so that a backward step is some multiplications by the
    gradient that arrives and one matrix product. Weights, their gradients and their order are those of the stock Keras
    cell: kernel, recurrent kernel, bias.
    """

    @abstractmethod
    def forward(
        self, features: tf.Tensor, states: Tensors, weights: Tensors, steps: Steps
    ) -> tuple[Tensors, tf.Tensor, Tensors]:
        """The last states, what each step read, and what `backward` asks for.

        `features`: the inputs with a last one that is always 1, whose weight is the bias, and one step more. What a
        step reads is [h_{t-1}, features_t]. All sequences are stacks of `scan`.
        """

    @abstractmethod
    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above, steps: Steps
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        """The gradients by x_t kernel, by the initial states, by the weights, and the total ones by all h_t (and c_t).

        `read` and `saved` are what `forward` returned.
        """

    @abstractmethod
    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        """The new states by the cell's equations. `inputs`: (batch, width). `probes` are added to the new states."""


class Above:
    """The gradient that comes from above: by each h_t, (batch, time, units), or by the last one alone, and by the last
    states."""

    def __init__(self, by_sequence: tf.Tensor | None, by_last: Tensors) -> None:
        self.by_sequence, self.by_last = by_sequence, list(by_last)

    def plus(self, gradient: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        """`gradient` with that of the output at step `t` added."""
        return gradient if self.by_sequence is None else gradient + self.by_sequence[:, t]


def recurrence(
    loop: Loop,
    inputs: tf.Tensor,
    states: Tensors,
    weights: Tensors,
    return_sequences: bool,
    probes: Tensors = (),
    frozen: bool = False,
) -> tuple[tf.Tensor | None, list[tf.Tensor]]:
    """All h_t, (batch, time, units) (None unless `return_sequences`), and the last states, differentiable by inputs,
    states and, unless they are `frozen`, weights.

    `inputs`: (time, batch, width). `probes`: none, or one tensor for each state, (time, batch, units), of which only
    the gradient means something: it is that by the state at each step, with all that flows through later steps.
    """
    n_states, n_weights, n_arguments = len(states), len(weights), 1 + len(states) + len(weights) + len(probes)

    def parts(arguments: Tensors) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        inputs, *rest = arguments
        return inputs, rest[:n_states], rest[n_states:][:n_weights], rest[n_states + n_weights :]

    def above(upstream: Tensors) -> tuple[tf.Tensor | None, Tensors]:
        return (upstream[0] if return_sequences else None), upstream[-n_states:]

    def returned(by_inputs: tf.Tensor, by_states: Tensors, by_weights: Tensors, by_probes: Tensors) -> Tensors:
        return [by_inputs, *by_states, *([] if frozen else by_weights), *(by_probes if probes else ())]

    def derivatives_of_gradients(given: Tensors, by_gradients: Tensors) -> Tensors:
        given = [tf.identity(one) for one in given]
        inputs, states, weights, probes = parts(given[:n_arguments])
        zeros = [tf.zeros_like(inputs[..., :1]) + tf.zeros_like(state) for state in states]
        found = gradients(loop.step, inputs, states, weights, probes or zeros, *above(given[n_arguments:]))
        return tf.gradients(returned(*found), given, by_gradients, unconnected_gradients="zero")

    @tf.custom_gradient
    def run(*arguments: tf.Tensor) -> Any:
        inputs, states, weights, _ = parts([hidden(argument) for argument in arguments])
        # In two operations: `tf.vectorized_map` takes any other constant of `tf.pad` for 0.
        features = tf.pad(inputs, [[0, 1], [0, 0], [0, 0]])
        features = tf.concat([features, tf.ones_like(features[..., :1])], -1)
        steps = Steps.of(inputs, states[0], frozen)
        last, read, saved = loop.forward(features, states, weights, steps)

        @tf.custom_gradient
        def pulled_back(*given: tf.Tensor) -> Any:
            inputs, *upstream = [hidden(one) for one in (given[0], *given[n_arguments:])]
            # Counted anew: XLA would not know a length that comes from the forward pass of a loop around this one.
            steps = Steps.of(inputs, upstream[-1], frozen)
            by_projection, by_states, by_weights, by_probes = loop.backward(
                read, saved, weights, Above(*above(upstream)), steps
            )
            by_inputs = tf.matmul(by_projection, weights[0], transpose_b=True)

            def derivatives(*by_gradients: tf.Tensor) -> Tensors:
                return in_a_graph(derivatives_of_gradients, given, by_gradients)

            return returned(by_inputs, by_states, by_weights, by_probes), derivatives

        def gradient(*upstream: tf.Tensor) -> Any:
            found = pulled_back(*arguments, *upstream)
            return [*found[: 1 + n_states], *[None] * n_weights, *found[1 + n_states :]] if frozen else found

        # XLA makes one pass of this and of what is taken from it; upstream, the gradient is read as it comes.
        hs = tf.concat([read[1 : steps.length, :, : states[0].shape[-1]], last[0][None]], 0)
        hs = tf.transpose(hs, (1, 0, 2))
        return (*([hs] if return_sequences else []), *last), gradient

    found = run(inputs, *states, *weights, *probes)
    return (found[0] if return_sequences else None), list(found[-n_states:])


def hidden(tensor: tf.Tensor) -> tf.Tensor:
    """`tensor`, of which no tape knows under XLA, so that none sees the loops.

    A tape that is persistent, or watched by another, would have TensorFlow prepare their derivatives, which XLA cannot
    compile. Elsewhere they are to be seen: the ops that `tf.vectorized_map` makes of ours have lost our gradients, and
    are differentiated one by one.
    """
    xla = control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    return tf.stop_gradient(tensor) if xla else tensor


def scan(
    step: Callable[..., tuple[Tensors, Tensors]],
    states: Tensors,
    widths: Sequence[int],
    steps: Steps,
    firsts: Tensors = (),
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Run `step(t, *states) -> (new states, rows)` over time: the last states, and the rows of all steps in stacks.

    `widths` holds the width of each row, (batch, width). The row of step t is that at t in its stack, or at t + 1 where
    there are `firsts`, the first rows of the first stacks. Rows that no step has written are 0. What is stacked is
    never read in the loop: XLA copies a stack that a loop both reads and writes.
    """
    batch, dtype = states[0].shape[0], states[0].dtype
    stacks = [tf.TensorArray(dtype, steps.rows, element_shape=(batch, width)) for width in widths]
    stacks = [*(stack.write(0, row) for stack, row in zip(stacks, firsts, strict=False)), *stacks[len(firsts) :]]

    def body(t: tf.Tensor, states: Tensors, stacks: Sequence[tf.TensorArray]) -> tuple[Any, Tensors, Any]:
        new_states, rows = step(t, *states)
        at = t + 1 if firsts else t
        return t + 1, list(new_states), [stack.write(at, row) for stack, row in zip(stacks, rows, strict=True)]

    _, states, stacks = tf.while_loop(lambda t, *_: t < steps.length, body, (0, list(states), stacks))
    return list(states), [stack.stack() for stack in stacks]


def scan_back(
    step: Callable[..., tuple[Tensors, Tensors]],
    states: Tensors,
    widths: Sequence[int],
    steps: Steps,
    lefts: Tensors,
) -> tuple[list[tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
    """Run `step(t, *states) -> (new states, rows)` from the last step to the first: the states before the first, the
    rows of all steps; and the sum over time and batch of left^T row, for each of `lefts`, a stack of `scan` that goes
    with the row at its place; 0 where the steps are frozen.

    Blocks of steps are a loop in a loop: one product adds a block to the sum while its rows are in the cache, and rows
    that nobody asks for are never kept.
    """
    batch, dtype, block = states[0].shape[0], states[0].dtype, steps.block
    lefts = [tf.reshape(left, (steps.blocks, -1, left.shape[-1])) for left in lefts]
    sums = [tf.zeros((left.shape[-1], width), dtype) for left, width in zip(lefts, widths, strict=False)]
    stacks = [tf.TensorArray(dtype, steps.blocks, element_shape=(block, batch, width)) for width in widths]

    def shelf(widths: Sequence[int]) -> list[tf.TensorArray]:
        return [tf.TensorArray(dtype, block, element_shape=(batch, width)) for width in widths]

    def body(index: tf.Tensor, states: Tensors, sums: Tensors, stacks: Any, multiplied: Any) -> Any:
        first = index * block

        def inner(t: tf.Tensor, states: Tensors, kept: Sequence[tf.TensorArray]) -> Any:
            new_states, rows = step(t, *states)
            return t - 1, list(new_states), [part.write(t - first, row) for part, row in zip(kept, rows, strict=True)]

        begin = (tf.minimum(first + block, steps.length) - 1, list(states), [*multiplied, *shelf(widths[len(lefts) :])])
        _, states, kept = tf.while_loop(lambda t, *_: t >= first, inner, begin)
        rows = [part.stack() for part in kept]
        if not steps.frozen:
            shares = [
                tf.matmul(left[index], tf.reshape(row, (-1, row.shape[-1])), transpose_a=True)
                for left, row in zip(lefts, rows, strict=False)
            ]
            sums = [total + share for total, share in zip(sums, shares, strict=True)]
        stacks = [stack.write(index, row) for stack, row in zip(stacks, rows, strict=True)]
        return index - 1, states, sums, stacks, kept[: len(lefts)]

    # The rows that are multiplied go to the same place block after block, which is filled with zeros once. Only the
    # first block may leave some of them. Others have a place in each block, or XLA would keep those nobody asks for.
    begin = ((steps.length - 1) // block, list(states), sums, stacks, shelf(widths[: len(lefts)]))
    _, states, sums, stacks, _ = tf.while_loop(lambda index, *_: index >= 0, body, begin)
    flat = [(-1, tf.shape(states[0])[0], width) for width in widths]
    rows = [tf.reshape(stack.stack(), shape)[: steps.length] for stack, shape in zip(stacks, flat, strict=True)]
    return list(states), rows, list(sums)
