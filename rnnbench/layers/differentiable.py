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
        pulled = tf.gradients(new, before, d_states)
        pulled = [tf.where(cut, tf.zeros_like(one), one) for cut in cuts for one in pulled] or pulled
        return [one + more for one, more in zip(pulled, above, strict=True)]

    d_before = tf.scan(back, (inputs, before, list(probes), above, cuts), last, reverse=True)
    d_after = [tf.concat([rows[1:], row[None]], 0) for rows, row in zip(d_before, last, strict=True)]

    # Once the gradient that arrives at each step is known, the steps are like examples of one batch.
    flat = [_flat(rows) for rows in before]
    new = step(_flat(inputs), flat, weights, [_flat(probe) for probe in probes])
    d_after = [_flat(rows) for rows in d_after]
    d_sources = tf.gradients(new, [inputs, *weights, *probes], d_after, stop_gradients=flat)
    d_inputs, d_weights, d_probes = d_sources[0], d_sources[1:][: len(weights)], d_sources[1 + len(weights) :]
    return d_inputs, [rows[0] for rows in d_before], d_weights, d_probes


def in_a_graph(function: Callable[..., Tensors], *arguments: Tensors) -> Tensors:
    """What `function` returns, built in a graph: `tf.gradients` needs one, and works where no tape records."""
    if tf.executing_eagerly():
        function = tf.function(function, autograph=False)
    return function(*[list(one) for one in arguments])


def _flat(rows: tf.Tensor) -> tf.Tensor:
    return tf.reshape(rows, (-1, rows.shape[-1]))
