"""Gradients of a loop by operations that TensorFlow differentiates again: derivatives of gradients are taken of them.

What they cost is of no weight: nothing but a second derivative asks for them. They are built in a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

Tensors = Sequence[tf.Tensor]


def gradients(
    step: Callable[..., Tensors],
    inputs: tf.Tensor,
    states: Tensors,
    weights: Tensors,
    probes: Tensors,
    by_sequence: tf.Tensor | None,
    by_last: Tensors,
) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
    """The gradients by inputs, initial states, weights and probes.

    `step(inputs, states, weights, probes)` gives the new states of one step, (batch, units) each; `inputs` and the
    probes, one for each state, are (time, batch, width). `by_sequence`, (batch, time, units) or None, and `by_last` are
    the gradients by each h_t and by the last states.
    """
    after = tf.scan(lambda states, at: list(step(at[0], states, weights, at[1:])), (inputs, *probes), list(states))
    before = [tf.concat([state[None], rows[:-1]], 0) for state, rows in zip(states, after, strict=True)]

    above = [tf.zeros_like(rows) for rows in after]
    if by_sequence is not None:
        above[0] = tf.transpose(by_sequence, (1, 0, 2))
    last = [rows[-1] + by_state for rows, by_state in zip(above, by_last, strict=True)]
    above = [tf.concat([tf.zeros_like(rows[:1]), rows[:-1]], 0) for rows in above]

    def back(by_states: Tensors, at: tuple[tf.Tensor, Tensors, Tensors, Tensors]) -> Tensors:
        inputs, before, probes, above = at
        new = step(inputs, before, weights, probes)
        pulled = tf.gradients(new, before, by_states)
        return [one + more for one, more in zip(pulled, above, strict=True)]

    by_before = tf.scan(back, (inputs, before, list(probes), above), last, reverse=True)
    by_after = [tf.concat([rows[1:], row[None]], 0) for rows, row in zip(by_before, last, strict=True)]

    # Once what arrives at each step is known, the steps are as good as examples of one batch.
    flat = [_flat(rows) for rows in before]
    new = step(_flat(inputs), flat, weights, [_flat(probe) for probe in probes])
    by_after = [_flat(rows) for rows in by_after]
    by_sources = tf.gradients(new, [inputs, *weights, *probes], by_after, stop_gradients=flat)
    by_inputs, by_weights, by_probes = by_sources[0], by_sources[1:][: len(weights)], by_sources[1 + len(weights) :]
    return by_inputs, [rows[0] for rows in by_before], by_weights, by_probes


def in_a_graph(function: Callable[..., Tensors], *arguments: Tensors) -> Tensors:
    """What `function` gives, built in a graph: `tf.gradients` needs one, and works where no tape records."""
    if tf.executing_eagerly():
        function = tf.function(function, autograph=False)
    return function(*[list(one) for one in arguments])


def _flat(rows: tf.Tensor) -> tf.Tensor:
    return tf.reshape(rows, (-1, rows.shape[-1]))
