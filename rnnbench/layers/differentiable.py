"""Gradients of a loop made of operations that TensorFlow can differentiate again, for derivatives of gradients.

Their cost does not matter: only a second derivative needs them. They are built in a graph. As in the loops, `d_x` is
the gradient of the loss with respect to x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

Tensors = Sequence[tf.Tensor]


def differentiable_gradients(
    step: Callable[..., Tensors],
    inputs: tf.Tensor,
    states: Tensors,
    weights: Tensors,
    probes: Tensors,
    d_sequence: tf.Tensor | None,
    d_last: Tensors,
    truncate: int | None = None,
) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
    """The gradients with respect to inputs, initial states, weights and probes.

    `step(inputs, states, weights, probes)` gives the new states of one step, (batch, units) each; `inputs` and the
    probes, one for each state, are (time, batch, width). `d_sequence`, (batch, time, units) or None, and `d_last` are
    the gradients with respect to each h_t and to the last states. The states that enter steps `truncate`, twice that,
    ... are constants.
    """
    times = tf.range(tf.shape(inputs)[0])
    cuts = [] if truncate is None else [(times % truncate == 0) & (times > 0)]

    def entering(states: Tensors, cuts: Tensors) -> list[tf.Tensor]:
        return [tf.where(cut, tf.stop_gradient(state), state) for cut in cuts for state in states] or list(states)

    def forward(states: Tensors, at: tuple[tf.Tensor, Tensors, Tensors]) -> Tensors:
        inputs, probes, cuts = at
        return list(step(inputs, entering(states, cuts), weights, probes))

    after = tf.scan(forward, (inputs, list(probes), cuts), list(states))
    before = [tf.concat([state[None], rows[:-1]], 0) for state, rows in zip(states, after, strict=True)]
    before = entering(before, [cut[:, None, None] for cut in cuts])

    above = [tf.zeros_like(rows) for rows in after]
    if d_sequence is not None:
        above[0] = tf.transpose(d_sequence, (1, 0, 2))
    last = [rows[-1] + d_state for rows, d_state in zip(above, d_last, strict=True)]
    above = [tf.concat([tf.zeros_like(rows[:1]), rows[:-1]], 0) for rows in above]

    def back(d_states: Tensors, at: tuple[tf.Tensor, Tensors, Tensors, Tensors, Tensors]) -> Tensors:
        inputs, before, probes, above, cuts = at
        new = step(inputs, before, weights, probes)
        pulled = tf.gradients(new, before, d_states, unconnected_gradients="zero")
        pulled = [tf.where(cut, tf.zeros_like(one), one) for cut in cuts for one in pulled] or pulled
        return [one + more for one, more in zip(pulled, above, strict=True)]

    def pulled_to_inputs(at: tuple[tf.Tensor, Tensors, Tensors, Tensors]) -> tuple[tf.Tensor, Tensors]:
        inputs, before, probes, d_after = at
        new = step(inputs, before, weights, probes)
        d_inputs, *d_probes = tf.gradients(new, [inputs, *probes], d_after, unconnected_gradients="zero")
        return d_inputs, d_probes

    def add_pulled_to_weights(sums: Tensors, at: tuple[tf.Tensor, Tensors, Tensors, Tensors]) -> Tensors:
        inputs, before, probes, d_after = at
        here = [tf.identity(weight) for weight in weights]
        new = step(inputs, before, here, probes)
        shares = tf.gradients(new, here, d_after, unconnected_gradients="zero")
        return [total + share for total, share in zip(sums, shares, strict=True)]

    d_before = tf.scan(back, (inputs, before, list(probes), above, cuts), last, reverse=True)
    d_after = [tf.concat([rows[1:], row[None]], 0) for rows, row in zip(d_before, last, strict=True)]

    at = (inputs, before, list(probes), d_after)
    d_inputs, d_probes = tf.map_fn(
        pulled_to_inputs, at, fn_output_signature=(inputs.dtype, [one.dtype for one in probes])
    )
    d_weights = tf.foldl(add_pulled_to_weights, at, [tf.zeros_like(weight) for weight in weights]) if weights else []
    return d_inputs, [rows[0] for rows in d_before], d_weights, d_probes


def in_a_graph(function: Callable[..., Tensors], *arguments: Tensors) -> Tensors:
    """What `function` returns, built in a graph: `tf.gradients` needs one, and works where no tape records."""
    if tf.executing_eagerly():
        function = tf.function(function, autograph=False)
    return function(*[list(one) for one in arguments])
