"""The number of steps as data: the same bits as at that length, in a buffer of any."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rnnbench.layers import GRU, LSTM, SimpleRNN

CELLS = (SimpleRNN, LSTM, GRU)
BATCH, STEPS, WIDTH, UNITS = 4, 50, 3, 16


def outputs_and_gradients(layer, sequences, steps, jit_compile=True, probed=False):
    """All outputs, and the gradients of a function of them with respect to inputs, weights and probes."""

    @tf.function(jit_compile=jit_compile, autograph=False)
    def compute(sequences, probes):
        given = {} if steps is None else {"steps": tf.constant(steps)}
        with tf.GradientTape() as tape:
            tape.watch([sequences, *probes])
            found = layer(sequences, **given, **({"probes": probes} if probes else {}))
            every = tf.nest.flatten(found)
            total = tf.add_n([tf.reduce_sum(tf.sin(one)) for one in every])
        return every, tape.gradient(total, [sequences, *layer.trainable_weights, *probes])

    shape = (*sequences.shape[:2], UNITS)
    probes = [tf.zeros(shape)] * len(tf.nest.flatten(layer.state_size)) if probed else []
    every, gradients = compute(tf.constant(sequences), probes)
    return [one.numpy() for one in every], [one.numpy() for one in gradients]


def assert_padded(found, expected):
    np.testing.assert_array_equal(found[:, :STEPS], expected)
    assert not found[:, STEPS:].any()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("return_sequences", [pytest.param(False, marks=pytest.mark.slow), True])
def test_bits_do_not_depend_on_the_buffer(cell, return_sequences):
    layer = cell(UNITS, return_sequences=return_sequences, return_state=True)
    sequences = np.random.default_rng(0).normal(size=(BATCH, 112, WIDTH)).astype(np.float32)
    every, gradients = outputs_and_gradients(layer, sequences[:, :STEPS], None, probed=True)
    for length in (STEPS, 56, 112):
        found, found_gradients = outputs_and_gradients(layer, sequences[:, :length], [STEPS], probed=True)
        (assert_padded if return_sequences else np.testing.assert_array_equal)(found[0], every[0])
        for one, other in zip(found[1:], every[1:], strict=True):
            np.testing.assert_array_equal(one, other)
        n_weights = len(layer.trainable_weights)
        for at, (one, other) in enumerate(zip(found_gradients, gradients, strict=True)):
            (np.testing.assert_array_equal if 0 < at <= n_weights else assert_padded)(one, other)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("settings", [{"go_backwards": True}, {"dropout": 0.0}], ids=["backwards", "forwards"])
def test_it_is_the_stock_layer_of_that_length(cell, settings):
    layer = cell(UNITS, return_sequences=True, **settings)
    stock = cell.__mro__[2](UNITS, return_sequences=True, **settings)
    sequences = np.random.default_rng(1).normal(size=(BATCH, 64, WIDTH)).astype(np.float32)
    layer.build(sequences.shape)
    stock.build(sequences.shape)
    stock.set_weights(layer.get_weights())
    (found,), _ = outputs_and_gradients(layer, sequences, STEPS, jit_compile=False)
    np.testing.assert_allclose(found[:, :STEPS], stock(sequences[:, :STEPS]), atol=1e-5)


def test_the_stock_loop_takes_no_number_of_steps():
    layer = SimpleRNN(UNITS, unroll=True)
    with pytest.raises(ValueError, match="steps need the fast loop, but this call takes the stock one"):
        layer(np.zeros((BATCH, 8, WIDTH), np.float32), steps=[4])


@pytest.mark.parametrize("cell", CELLS)
def test_derivatives_of_gradients(cell):
    layer = cell(3, return_sequences=True)
    sequences = tf.constant(np.random.default_rng(2).normal(size=(2, 9, WIDTH)).astype(np.float32))
    layer.build(sequences.shape)

    def penalty(sequences, steps):
        with tf.GradientTape() as outer:
            outer.watch(sequences)
            with tf.GradientTape() as inner:
                inner.watch(sequences)
                outputs = layer(sequences) if steps is None else layer(sequences, steps=steps)
                total = tf.reduce_sum(tf.sin(outputs))
            penalty = tf.reduce_sum(inner.gradient(total, sequences) ** 2)
        return outer.gradient(penalty, [sequences, *layer.trainable_weights])

    expected = tf.function(lambda one: penalty(one, None))(sequences[:, :6])
    found = tf.function(lambda one: penalty(one, tf.constant(6)))(sequences)
    np.testing.assert_allclose(found[0][:, :6], expected[0], rtol=1e-4, atol=1e-5)
    for one, other in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
