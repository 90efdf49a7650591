"""Linear recurrent layers: the fast layer is the stock loop over the same cell, with probes, steps and cuts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnbench.layers import has_fast_loop, linear_rnn, truncated
from rnnbench.layers.linear_rnn import LinearRNN
from rnnbench.layers.lru import LRUCell
from rnnbench.layers.min_gru import MinGRUCell

CELLS = (MinGRUCell, LRUCell)
BATCH, STEPS, WIDTH, UNITS = 4, 50, 3, 8


def sequences(length=STEPS, dtype="float32"):
    return np.random.default_rng(0).normal(size=(BATCH, length, WIDTH)).astype(dtype)


def pair(cell, dtype="float64", **settings):
    """The stock loop over a cell and ours, with the same weights, none of them zero."""
    stock, ours = (kind(cell(UNITS, dtype=dtype), dtype=dtype, **settings) for kind in (keras.layers.RNN, LinearRNN))
    for layer in (stock, ours):
        layer.build((None, None, WIDTH))
    rng = np.random.default_rng(1)
    weights = [weight + 0.3 * rng.normal(size=weight.shape) for weight in stock.get_weights()]
    for layer in (stock, ours):
        layer.set_weights(weights)
    return stock, ours


def results(layer, inputs, initial_state=(), jit_compile=False, **given):
    """All outputs, and the gradients of a function of them w.r.t. inputs, initial states, weights and probes."""

    @tf.function(jit_compile=jit_compile, autograph=False)
    def compute(inputs, states, probes):
        call = given | ({"initial_state": states} if states else {}) | ({"probes": probes} if probes else {})
        with tf.GradientTape() as tape:
            tape.watch([inputs, *states, *probes])
            outputs = tf.nest.flatten(layer(inputs, **call))
            total = tf.add_n([tf.reduce_sum(tf.sin((1 + at) * one)) for at, one in enumerate(outputs)])
        return outputs, tape.gradient(total, [inputs, *states, *layer.trainable_weights, *probes])

    probes = given.pop("probes", [])
    return compute(tf.constant(inputs), [tf.constant(state) for state in initial_state], probes)


def assert_same(found, expected, tolerance=1e-9):
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("cell", "return_sequences", "truncate"),
    [(MinGRUCell, True, None), (MinGRUCell, False, 3), (LRUCell, False, None), (LRUCell, True, 3)],
)
def test_it_is_the_stock_loop_over_its_cell(cell, return_sequences, truncate):
    layers = pair(cell, return_sequences=return_sequences, return_state=True)
    inputs = sequences(8, "float64")
    states = [inputs[:, at, :1] * np.ones(UNITS) for at in range(cell.states)]
    stock, ours = (results(truncated(layer, truncate), inputs, states) for layer in layers)
    assert_same(ours, stock)


@pytest.mark.parametrize("cell", [MinGRUCell, pytest.param(LRUCell, marks=pytest.mark.slow)])
def test_on_a_gpu_it_takes_the_parallel_scan(cell, monkeypatch):
    """The path that a GPU takes, on the processor."""
    stock, ours = pair(cell, return_sequences=True, return_state=True)
    monkeypatch.setattr(linear_rnn, "on_gpu", lambda: True)
    calls = []
    scan = linear_rnn.parallel_recurrence
    monkeypatch.setattr(linear_rnn, "parallel_recurrence", lambda *given: calls.append(given) or scan(*given))
    assert not has_fast_loop(ours)
    inputs = sequences(9, "float64")
    assert_same(results(ours, inputs), results(stock, inputs))
    assert calls


@pytest.mark.parametrize(
    ("cell", "lengths"),
    [(LRUCell, (56,)), *(pytest.param(cell, (STEPS, 64, 112), marks=pytest.mark.slow) for cell in CELLS)],
)
def test_bits_do_not_depend_on_the_buffer(cell, lengths, monkeypatch):
    # So that every length has several blocks, and they do not end where it does.
    monkeypatch.setattr("rnnbench.layers.linear_product.BLOCK", 7 * BATCH * 2 * UNITS)
    _, layer = pair(cell, "float32", return_sequences=True, return_state=True)
    shape = (BATCH, 112, UNITS)
    every, gradients = results(
        layer, sequences(), jit_compile=True, probes=[tf.zeros((BATCH, STEPS, UNITS))] * cell.states
    )
    longest = sequences(112)
    longest[:, :STEPS] = sequences()
    for length in lengths:
        probes = [tf.zeros(shape)[:, :length]] * cell.states
        found, found_gradients = results(
            layer, longest[:, :length], jit_compile=True, probes=probes, steps=tf.constant([STEPS])
        )
        for one, other in zip([*found, *found_gradients], [*every, *gradients], strict=True):
            if other.shape.rank == 3:
                assert not np.any(one[:, STEPS:])
                one = one[:, :STEPS]
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_the_gradient_by_a_probe_is_the_total_one_by_the_state(cell):
    """That by the states after k steps, of a network that continues from them."""
    _, layer = pair(cell, return_state=True)
    inputs, k = sequences(9, "float64"), 4
    zeros = [tf.zeros((BATCH, 9, UNITS), "float64")] * cell.states
    _, whole = results(layer, inputs, probes=zeros)
    states = layer(inputs[:, :k])[1:]
    _, rest = results(layer, inputs[:, k:], states)
    for probed, expected in zip(whole[-cell.states :], rest[1 : 1 + cell.states], strict=True):
        np.testing.assert_allclose(probed[:, k - 1], expected, atol=1e-9)
        assert np.abs(expected).max() > 1e-3


@pytest.mark.parametrize("settings", [{"unroll": True}, {"go_backwards": True}])
def test_what_is_not_covered_takes_the_stock_loop(settings):
    stock, ours = pair(MinGRUCell, **settings)
    assert not has_fast_loop(ours)
    assert_same(ours(sequences(5, "float64")), stock(sequences(5, "float64")))
    with pytest.raises(ValueError, match="steps need the fast loop"):
        ours(sequences(5, "float64"), steps=[4])


def test_a_mask_takes_the_stock_loop():
    stock, ours = pair(MinGRUCell, return_sequences=True)
    inputs, mask = sequences(6, "float64"), np.array([[True] * 4 + [False] * 2] * BATCH)
    found, expected = (tf.function(layer, autograph=False)(inputs, mask=mask) for layer in (ours, stock))
    assert_same(found, expected)
    assert np.array_equal(found[:, 4], found[:, 3])
