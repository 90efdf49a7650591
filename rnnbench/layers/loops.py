"""What the loops of all cells share: the scan through time, and an explicit backward pass made of it.

`d_x` is the gradient of the loss with respect to x, `dy_dx` the derivative of y with respect to x. Derivatives of the
gradients come from `differentiable`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from rnnbench.layers.differentiable import differentiable_gradients, in_a_graph

Tensors = Sequence[tf.Tensor]

BLOCK = 2**16
"""Values of a state, over steps and batch, whose share of the weights' gradients is one product: few enough to stay in
the cache, enough for a fast product."""
LONGEST_BLOCK = 64
"""Most steps in a block: the stacks of a short sequence are a whole block, too."""
UNKNOWN_BATCH = 32
"""Assumed, in choosing the blocks, for a batch that is unknown when a function is traced."""


@dataclass(frozen=True)
class Steps:
    """The number of steps in time, their blocks, whether the weights are frozen, and where the gradient is cut."""

    length: tf.Tensor | int
    """Steps of the sequences, of which the first `taken` are taken."""
    taken: tf.Tensor | int
    block: int
    units: int
    frozen: bool
    """Whether the gradients with respect to the weights are not needed."""
    truncate: int | None
    """No gradient goes back from step `truncate`, twice that, ... to the step before it; None: it goes all the way."""

    @classmethod
    def of(
        cls, inputs: tf.Tensor, states: Tensors, frozen: bool, truncate: int | None, taken: tf.Tensor | None
    ) -> Steps:
        """The steps of `inputs`, (time, batch, width), with states of (batch, units); `units` of the widest.

        `taken`: None for all.
        """
        batch, units = states[0].shape[0], max(state.shape[-1] for state in states)
        # Of batch and units alone, so that the sums over time have the same terms in sequences of any length.
        block = min(max(1, BLOCK // ((batch or UNKNOWN_BATCH) * units)), LONGEST_BLOCK)
        length = tf.shape(inputs)[0] if inputs.shape[0] is None else inputs.shape[0]
        return cls(length, length if taken is None else taken, block, units, frozen, truncate)

    @property
    def blocks(self) -> tf.Tensor | int:
        """Number of blocks: they hold a row for each step and one more."""
        return self.length // self.block + 1

    @property
    def rows(self) -> tf.Tensor | int:
        """Number of rows in all blocks."""
        return self.blocks * self.block

    def entering(self, t: tf.Tensor, read: tf.Tensor) -> tf.Tensor:
        """`read`, a state, or h and the features behind it, as step `t` takes it: a constant to tapes at a cut.

        It matters where they differentiate the loop's ops one by one: see `hidden`.
        """
        if self.truncate is None or in_xla():
            return read
        cut = self._is_cut(t) & (tf.range(read.shape[-1]) < self.units)
        return tf.where(cut, tf.stop_gradient(read), read)

    def passed_back(self, t: tf.Tensor, gradients: Tensors) -> list[tf.Tensor]:
        """The gradients with respect to the states that step `t` takes, as the step before gets them: 0 at a cut."""
        if self.truncate is None:
            return list(gradients)
        return [tf.where(self._is_cut(t), tf.zeros_like(gradient), gradient) for gradient in gradients]

    def _is_cut(self, t: tf.Tensor) -> tf.Tensor:
        return (t % self.truncate == 0) & (t > 0)


class Loop(ABC):
    """A cell's loop through time. Sequences are time-major, (time, batch, width); states are (batch, units).

    The forward pass stores what the backward pass needs, so that a backward step is a few multiplications by the
    gradient that arrives and one matrix product. Weights and their gradients are in the order of the stock Keras cell:
    kernel, recurrent kernel, bias.
    """

    @abstractmethod
    def forward(
        self, features: tf.Tensor, states: Tensors, weights: Tensors, steps: Steps
    ) -> tuple[Tensors, tf.Tensor, Tensors]:
        """The last states, what each step read, and what `backward` needs.

        `features`: the inputs and a last feature that is always 1, whose weight is the bias; with one step more. A step
        reads [h_{t-1}, features_t]. All sequences are stacks of `scan`.
        """

    @abstractmethod
    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above, steps: Steps
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        """The gradients w.r.t. x_t kernel, the initial states and the weights, and the total ones w.r.t. all states.

        `read` and `saved` are what `forward` returned.
        """

    @abstractmethod
    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        """The new states from the cell's equations. `inputs`: (batch, width). `probes` are added to the new states."""

    def features(self, inputs: tf.Tensor) -> tf.Tensor:
        """What `forward` reads of `inputs`, (time, batch, width)."""
        # In two operations: `tf.vectorized_map` treats any other constant of `tf.pad` as 0.
        features = tf.pad(inputs, [[0, 1], [0, 0], [0, 0]])
        return tf.concat([features, tf.ones_like(features[..., :1])], -1)

    def d_inputs(self, d_projection: tf.Tensor, weights: Tensors) -> tf.Tensor:
        """The gradient w.r.t. the inputs, from the first that `backward` returns."""
        return tf.matmul(d_projection, weights[0], transpose_b=True)


class Above:
    """The gradient that comes from above: with respect to each h_t, (batch, time, units), if that is returned, and
    with respect to the last states."""

    def __init__(self, d_sequence: tf.Tensor | None, d_last: Tensors) -> None:
        self.d_sequence, self.d_last = d_sequence, list(d_last)

    def plus(self, gradient: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        """`gradient` plus that with respect to the output at step `t`."""
        return gradient if self.d_sequence is None else gradient + self.d_sequence[:, t]


def recurrence(
    loop: Loop,
    inputs: tf.Tensor,
    states: Tensors,
    weights: Tensors,
    return_sequences: bool,
    probes: Tensors = (),
    frozen: bool = False,
    truncate: int | None = None,
    taken: tf.Tensor | None = None,
) -> tuple[tf.Tensor | None, list[tf.Tensor]]:
    """All h_t, (batch, time, units) (None unless `return_sequences`), and the last states; differentiable with respect
    to inputs, states and, unless they are `frozen`, weights.

    `inputs`: (time, batch, width). `probes`: none, or one tensor for each state, (time, batch, units). Their values are
    not used; the gradient with respect to them is the total one with respect to the state at each step. `truncate`:
    see `Steps`; a derivative of such a gradient takes the state at a cut for a constant, too. `taken`: a number of
    steps, (), after which the loop ends: later h_t are 0, and the last states those that are reached.
    """
    n_states, n_weights, n_arguments = len(states), len(weights), 1 + len(states) + len(weights) + len(probes)

    def parts(arguments: Tensors) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        inputs, *rest = arguments
        return inputs, rest[:n_states], rest[n_states:][:n_weights], rest[n_states + n_weights :]

    def above(upstream: Tensors) -> tuple[tf.Tensor | None, Tensors]:
        return (upstream[0] if return_sequences else None), upstream[-n_states:]

    def returned(d_inputs: tf.Tensor, d_states: Tensors, d_weights: Tensors, d_probes: Tensors) -> Tensors:
        return [d_inputs, *d_states, *([] if frozen else d_weights), *(d_probes if probes else ())]

    def derivatives_of_gradients(given: Tensors, d_gradients: Tensors) -> Tensors:
        given = [tf.identity(one) for one in given]
        inputs, states, weights, probes = parts(given[:n_arguments])
        probes = probes or [tf.zeros_like(inputs[..., :1]) + tf.zeros_like(state) for state in states]
        d_sequence, d_last = above(given[n_arguments:])
        if taken is not None:
            inputs, probes = inputs[:taken], [probe[:taken] for probe in probes]
            d_sequence = None if d_sequence is None else d_sequence[:, :taken]
        d_inputs, d_states, d_weights, d_probes = differentiable_gradients(
            loop.step, inputs, states, weights, probes, d_sequence, d_last, truncate
        )
        if taken is not None:
            later = [[0, tf.shape(given[0])[0] - taken], [0, 0], [0, 0]]
            d_inputs, d_probes = tf.pad(d_inputs, later), [tf.pad(probe, later) for probe in d_probes]
        found = d_inputs, d_states, d_weights, d_probes
        return tf.gradients(returned(*found), given, d_gradients, unconnected_gradients="zero")

    @tf.custom_gradient
    def run(*arguments: tf.Tensor) -> Any:
        inputs, states, weights, _ = parts([hidden(argument) for argument in arguments])
        steps = Steps.of(inputs, states, frozen, truncate, taken)
        last, read, saved = loop.forward(loop.features(inputs), states, weights, steps)

        @tf.custom_gradient
        def pulled_back(*given: tf.Tensor) -> Any:
            inputs, *upstream = [hidden(one) for one in (given[0], *given[n_arguments:])]
            # Computed anew: XLA would not know a length that comes from the forward pass of a loop around this one.
            steps = Steps.of(inputs, upstream[-n_states:], frozen, truncate, taken)
            d_projection, d_states, d_weights, d_probes = loop.backward(
                read, saved, weights, Above(*above(upstream)), steps
            )
            d_inputs = loop.d_inputs(d_projection, weights)

            def derivatives(*d_gradients: tf.Tensor) -> Tensors:
                return in_a_graph(derivatives_of_gradients, given, d_gradients)

            return returned(d_inputs, d_states, d_weights, d_probes), derivatives

        def gradient(*upstream: tf.Tensor) -> Any:
            found = pulled_back(*arguments, *upstream)
            return [*found[: 1 + n_states], *[None] * n_weights, *found[1 + n_states :]] if frozen else found

        # XLA fuses this and what is read from it into one pass; the gradient from above is read in its own layout.
        hs = read[1 : steps.length + 1, :, : states[0].shape[-1]]
        is_last = tf.range(steps.length) == steps.taken - 1
        hs = tf.transpose(tf.where(is_last[:, None, None], last[0][None], hs), (1, 0, 2))
        return (*([hs] if return_sequences else []), *last), gradient

    found = run(inputs, *states, *weights, *probes)
    return (found[0] if return_sequences else None), list(found[-n_states:])


def hidden(tensor: tf.Tensor) -> tf.Tensor:
    """`tensor`, hidden from all tapes under XLA, so that none of them sees the loops.

    For a persistent tape, or one inside another, TensorFlow would prepare the loops' derivatives, which XLA cannot
    compile. Elsewhere tapes must see them: the ops that `tf.vectorized_map` makes of ours have lost our gradients, and
    are differentiated one by one.
    """
    return tf.stop_gradient(tensor) if in_xla() else tensor


def in_xla() -> bool:
    """Whether what is being built will be compiled by XLA."""
    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def scan(
    step: Callable[..., tuple[Tensors, Tensors]],
    states: Tensors,
    widths: Sequence[int],
    steps: Steps,
    firsts: Tensors = (),
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Run `step(t, *states) -> (new states, rows)` over time: the last states, and the rows of all steps in stacks.

    `widths` holds the width of each row, (batch, width). The row of step t is at t in its stack, or at t + 1 if there
    are `firsts`, the first rows of the first stacks. Rows that no step has written are 0. The loop never reads what it
    stacks: XLA copies a stack that a loop both reads and writes.
    """
    batch, dtype = states[0].shape[0], states[0].dtype
    stacks = [tf.TensorArray(dtype, steps.rows, element_shape=(batch, width)) for width in widths]
    stacks = [*(stack.write(0, row) for stack, row in zip(stacks, firsts, strict=False)), *stacks[len(firsts) :]]

    def body(t: tf.Tensor, states: Tensors, stacks: Sequence[tf.TensorArray]) -> tuple[Any, Tensors, Any]:
        new_states, rows = step(t, *states)
        at = t + 1 if firsts else t
        return t + 1, list(new_states), [stack.write(at, row) for stack, row in zip(stacks, rows, strict=True)]

    _, states, stacks = tf.while_loop(lambda t, *_: t < steps.taken, body, (0, list(states), stacks))
    return list(states), [stack.stack() for stack in stacks]


def scan_back(
    step: Callable[..., tuple[Tensors, Tensors]],
    states: Tensors,
    widths: Sequence[int],
    steps: Steps,
    lefts: Tensors,
) -> tuple[list[tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
    """Run `step(t, *states) -> (new states, rows)` from the last step to the first.

    Returns the states before the first step; the rows of all steps; and for each of `lefts`, a stack of `scan`, the sum
    over time and batch of left^T row, with the row at the same place (0 where the weights are frozen).

    Blocks of steps are a loop in a loop: one product adds a block to the sum while its rows are in the cache, and rows
    that are not needed are never kept.
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
            kept = [part.write(t - first, row) for part, row in zip(kept, rows, strict=True)]
            return t - 1, steps.passed_back(t, new_states), kept

        begin = (tf.minimum(first + block, steps.taken) - 1, list(states), [*multiplied, *shelf(widths[len(lefts) :])])
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

    # The rows that are multiplied go to the same place, block after block; it is filled with zeros once, and only the
    # first block may leave some of them. Other rows have a place in each block, or XLA would keep even unneeded ones.
    begin = ((steps.taken - 1) // block, list(states), sums, stacks, shelf(widths[: len(lefts)]))
    _, states, sums, stacks, _ = tf.while_loop(lambda index, *_: index >= 0, body, begin)
    flat = [(-1, tf.shape(states[0])[0], width) for width in widths]
    rows = [tf.reshape(stack.stack(), shape)[: steps.length] for stack, shape in zip(stacks, flat, strict=True)]
    return list(states), rows, list(sums)
