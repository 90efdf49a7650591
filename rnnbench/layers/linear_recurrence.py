"""The linear recurrence h_t = a_t h_{t-1} + b_t, unit by unit: one compiled loop with a gradient of its own.

A number is real, or complex and held as real and imaginary part: wherever `Tensors` of numbers are meant, there are one
or two of them. The gradient of a linear recurrence is one in reverse, g_t = u_t + conj(a_{t+1}) g_{t+1}, where u_t is
the gradient from above: d_b_t = g_t and d_a_t = conj(h_{t-1}) g_t. So g_t is the total gradient with respect to h_t,
and what is added to b_t is a probe of the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from keras import ops

from rnnbench.layers.differentiable import in_a_graph
from rnnbench.layers.loops import hidden

Tensors = Sequence[tf.Tensor]


def linear_recurrence(
    a: Tensors, b: Tensors, start: Tensors, taken: tf.Tensor | None = None, truncate: int | None = None
) -> list[tf.Tensor]:
    """All states h_t, (time, batch, units), differentiable any number of times.

    `a`: (time, batch, units), or (batch, units) if it is the same at every step; `b`: (time, batch, units); `start`:
    h_{-1}, (batch, units). `taken`: a number of steps, (), after which the loop ends: later states are 0. `truncate`:
    no gradient goes back from step `truncate`, twice that, ... to the step before it.
    """
    parts = len(b)

    def grouped(tensors: Tensors) -> list[Tensors]:
        return [tensors[at : at + parts] for at in range(0, len(tensors), parts)]

    @tf.custom_gradient
    def run(*arguments: tf.Tensor) -> Any:
        a, b, start = grouped([hidden(one) for one in arguments])
        rows = _forward(a, b, start, taken)

        @tf.custom_gradient
        def pulled_back(*given: tf.Tensor) -> Any:
            a, _, _, above = grouped([hidden(one) for one in given])

            def derivatives(*d_gradients: tf.Tensor) -> Tensors:
                return in_a_graph(derivatives_of_gradients, given, d_gradients)

            return _backward(a, rows, above, taken, truncate), derivatives

        return tuple(row[1:] for row in rows), lambda *above: pulled_back(*arguments, *above)

    def derivatives_of_gradients(given: Tensors, d_gradients: Tensors) -> Tensors:
        given = [tf.identity(one) for one in given]
        a, b, start, above = grouped(given)
        found = _differentiable_gradients(a, b, start, above, taken, truncate)
        return tf.gradients(found, given, d_gradients, unconnected_gradients="zero")

    return list(run(*a, *b, *start))


def parallel_recurrence(a: Tensors, b: Tensors, start: Tensors) -> list[tf.Tensor]:
    """The same states by a scan of logarithmic depth, for accelerators; on a CPU it is slower than the loop."""
    first = [
        tf.concat([one[:1] + more[None], one[1:]], 0) for one, more in zip(b, times(_at(a, 0), start), strict=True)
    ]
    parts = len(b)

    def joined(earlier: Tensors, later: Tensors) -> Tensors:
        a, h = later[:parts], times(later[:parts], earlier[parts:])
        return [*times(a, earlier[:parts]), *plus(h, later[parts:])]

    found = ops.associative_scan(joined, [*_in_time(a, b), *first], axis=0)[parts:]
    # The scan loses what is known of the shape.
    return [tf.ensure_shape(h, one.shape) for h, one in zip(found, b, strict=True)]


def times(a: Tensors, h: Tensors) -> list[tf.Tensor]:
    """a h."""
    if len(a) == 1:
        return [a[0] * h[0]]
    return [a[0] * h[0] - a[1] * h[1], a[0] * h[1] + a[1] * h[0]]


def conjugate_times(a: Tensors, h: Tensors) -> list[tf.Tensor]:
    """conj(a) h."""
    return times(a if len(a) == 1 else [a[0], -a[1]], h)


def plus(one: Tensors, other: Tensors) -> list[tf.Tensor]:
    """The sum."""
    return [left + right for left, right in zip(one, other, strict=True)]


def _forward(a: Tensors, b: Tensors, start: Tensors, taken: tf.Tensor | None) -> list[tf.Tensor]:
    """`start` and all states behind it, (time + 1, batch, units)."""
    length = _length(b[0])
    stacks = [_stack(length + 1, state).write(0, state) for state in start]

    def body(t: tf.Tensor, h: Tensors, stacks: Sequence[tf.TensorArray]) -> Any:
        h = plus(times(_at(a, t), h), _at(b, t))
        return t + 1, h, [stack.write(t + 1, row) for stack, row in zip(stacks, h, strict=True)]

    steps = length if taken is None else taken
    _, _, stacks = tf.while_loop(lambda t, *_: t < steps, body, (0, list(start), stacks))
    return [stack.stack() for stack in stacks]


def _backward(a: Tensors, rows: Tensors, above: Tensors, taken: tf.Tensor | None, truncate: int | None) -> Tensors:
    """The gradients w.r.t. a, b and the first state. `rows`: what `_forward` gave; `above`: those w.r.t. all states."""
    # Of what arrives here: XLA would not know a length that comes from the forward pass of a loop around this one.
    length = _length(above[0])
    steps = length if taken is None else taken
    zeros = [tf.zeros_like(one[0]) for one in above]
    constant = a[0].shape.rank == 2

    def body(t: tf.Tensor, g: Tensors, d_a: Tensors, stacks: Sequence[tf.TensorArray]) -> Any:
        g = plus(g, _at(above, t))
        stacks = [stack.write(t, row) for stack, row in zip(stacks, g, strict=True)]
        # Summed here if it is the same at every step: in an order that does not depend on the buffer.
        d_a = plus(d_a, conjugate_times(_at(rows, t), g)) if constant else d_a
        g = conjugate_times(_at(a, t), g)
        if truncate is not None:
            g = [tf.where(_is_cut(t, truncate), tf.zeros_like(one), one) for one in g]
        return t - 1, g, d_a, stacks

    begin = (steps - 1, zeros, zeros if constant else [], [_stack(length, zero) for zero in zeros])
    _, d_start, d_a, stacks = tf.while_loop(lambda t, *_: t >= 0, body, begin)
    g = [stack.stack() for stack in stacks]
    return [*(d_a if constant else conjugate_times([row[:-1] for row in rows], g)), *g, *d_start]


def _differentiable_gradients(
    a: Tensors, b: Tensors, start: Tensors, above: Tensors, taken: tf.Tensor | None, truncate: int | None
) -> Tensors:
    """As `_backward` gives them, made of recurrences that can be differentiated again."""
    constant, a = a[0].shape.rank == 2, _in_time(a, b)
    t = tf.range(tf.shape(b[0])[0])[:, None, None]
    if taken is not None:
        above = [tf.where(t < taken, one, tf.zeros_like(one)) for one in above]
    states = linear_recurrence(a, b, start, taken, truncate)
    before = [tf.concat([first[None], state[:-1]], 0) for first, state in zip(start, states, strict=True)]
    back = a
    if truncate is not None:
        cut = _is_cut(t, truncate)
        before = [tf.where(cut, tf.stop_gradient(one), one) for one in before]
        back = [tf.where(cut, tf.zeros_like(one), one) for one in a]
    later = [tf.concat([one[1:], tf.zeros_like(one[:1])], 0) for one in back]
    conjugate = [later[0], *(-one for one in later[1:])]
    reverse = linear_recurrence(
        [one[::-1] for one in conjugate], [one[::-1] for one in above], [tf.zeros_like(one[0]) for one in above]
    )
    g = [one[::-1] for one in reverse]
    d_a = conjugate_times(before, g)
    d_start = conjugate_times(_at(a, 0), _at(g, 0))
    return [*([tf.reduce_sum(one, 0) for one in d_a] if constant else d_a), *g, *d_start]


def _at(tensors: Tensors, t: Any) -> list[tf.Tensor]:
    """The row of step `t`, of those that have one for each step."""
    return [one if one.shape.rank == 2 else one[t] for one in tensors]


def _in_time(a: Tensors, b: Tensors) -> list[tf.Tensor]:
    """`a` with a row for each step."""
    return [one[None] + tf.zeros_like(b[0]) if one.shape.rank == 2 else one for one in a]


def _is_cut(t: tf.Tensor, truncate: int) -> tf.Tensor:
    return (t % truncate == 0) & (t > 0)


def _length(rows: tf.Tensor) -> tf.Tensor | int:
    return tf.shape(rows)[0] if rows.shape[0] is None else rows.shape[0]


def _stack(length: tf.Tensor | int, row: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(row.dtype, length, element_shape=row.shape)
