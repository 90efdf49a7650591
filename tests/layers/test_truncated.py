"""A gradient that is cut every k steps is that of reading the sequence in chunks of k steps; outputs do not change."""

from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from rnnbench import layers
from rnnbench.layers import recurrent, truncated
from tests.layers.pairs import CELLS, UNITS, assert_same, pair, results, sequences, states_of
from tests.layers.test_derivatives import penalty, persistent, through_a_vectorized_map

LENGTH = 8


class Chunks:
    """The reference: a layer that returns all outputs and the last states, read chunk by chunk from constants."""

    def __init__(self, layer, steps, all_outputs=True, states=True):
        self.layer, self.steps, self.all_outputs, self.states = layer, steps, all_outputs, states
        self.trainable_weights = layer.trainable_weights

    def __call__(self, inputs, initial_state=None, **kwargs):
        outputs, states = [], initial_state
        inputs = inputs[:, ::-1] if self.layer.go_backwards else inputs
        for start in range(0, inputs.shape[1], self.steps):
            chunk = inputs[:, start : start + self.steps]
            if start:
                states = tf.nest.map_structure(tf.stop_gradient, states)
            chunk = chunk[:, ::-1] if self.layer.go_backwards else chunk
            output, *states = self.layer(chunk, initial_state=states, **kwargs)
            outputs.append(output)
        found = tf.concat(outputs, 1) if self.all_outputs else outputs[-1][:, -1]
        return [found, *states] if self.states else found


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "steps", [3, LENGTH, *(pytest.param(steps, marks=pytest.mark.slow) for steps in (1, LENGTH + 3))]
)
@pytest.mark.parametrize("all_outputs", [True, False])
def test_gradients_are_those_of_chunks(cell, steps, all_outputs, fast_calls):
    inputs = sequences(length=LENGTH, dtype="float64")
    reference, _ = pair(cell, return_sequences=True, return_state=True, dtype="float64")
    expected = results(Chunks(reference, steps, all_outputs), inputs, states_of(cell))
    for layer in pair(cell, return_sequences=all_outputs, return_state=True, dtype="float64"):
        weights = layer.weights
        assert truncated(layer, steps) is layer
        assert_same(results(layer, inputs, states_of(cell)), expected, 1e-10)
        assert all(a is b for a, b in zip(layer.weights, weights, strict=True))
    assert len(fast_calls) == 1


@pytest.mark.parametrize("cell", CELLS)
def test_steps_are_counted_in_reading_order(cell):
    inputs = sequences(length=LENGTH, dtype="float64")
    kwargs = {"return_sequences": True, "return_state": True, "go_backwards": True, "dtype": "float64"}
    reference, _ = pair(cell, **kwargs)
    expected = results(Chunks(reference, 3), inputs)
    for layer in pair(cell, **kwargs):
        assert_same(results(truncated(layer, 3), inputs), expected, 1e-10)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("known", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_compiled_by_xla(cell, known):
    """At a known and at an open length; the bits of what a training step answers do not change."""
    inputs = sequences(length=LENGTH)
    answers = []
    for steps in (None, 3):
        layer = truncated(pair(cell, return_sequences=True, return_state=True)[1], steps)
        signature = [tf.TensorSpec((2, LENGTH if known else None, 3), "float32")]
        compiled = tf.function(
            lambda inputs, layer=layer: results(layer, inputs), input_signature=signature, jit_compile=True
        )
        answers.append(compiled(inputs))
    reference, _ = pair(cell, return_sequences=True, return_state=True)
    assert_same(answers[1], results(Chunks(reference, 3), inputs))
    for found, expected in zip(answers[1][0], answers[0][0], strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kwargs", [{}, {"dropout": 0.4, "recurrent_dropout": 0.2, "seed": 3}, {"stateful": True}])
def test_outputs_keep_their_bits(cell, kwargs):
    """Of the fast loop and of the stock one, in turn, with the same draws."""
    for kind in (0, 1):
        whole, cut = (pair(cell, return_sequences=True, return_state=True, **kwargs)[kind] for _ in range(2))
        truncated(cut, 3)
        for training in (True, False, True):
            answers = [layer(sequences(length=LENGTH), training=training) for layer in (whole, cut)]
            for found, expected in zip(*answers, strict=True):
                np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("cell", CELLS)
def test_a_gradient_that_goes_all_the_way_costs_nothing(cell):
    def operations(steps):
        """How many there are in the passes forward and back."""
        layer = truncated(pair(cell)[1], steps)
        graph = tf.function(lambda inputs: results(layer, inputs)).get_concrete_function(tf.constant(sequences())).graph
        functions = graph.as_graph_def().library.function
        return Counter(
            node.op for nodes in (graph.as_graph_def().node, *(one.node_def for one in functions)) for node in nodes
        )

    whole, cut = operations(None), operations(3)
    assert "FloorMod" not in whole  # no step is told from another
    assert cut - whole


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("compiled", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_gradients_with_respect_to_probes(cell, compiled):
    """0 for the states before the last cut; behind it the slope of the answer along each unit of a state."""
    steps, last_cut = 3, 6
    _, ours = pair(cell, return_state=True, dtype="float64")
    truncated(ours, steps)
    inputs = tf.constant(sequences(length=LENGTH, dtype="float64"))
    probes = [tf.zeros((2, LENGTH, UNITS), "float64") for _ in states_of(cell)]

    @tf.function(jit_compile=compiled)
    def gradients(inputs, probes):
        with tf.GradientTape() as tape:
            tape.watch(probes)
            loss = tf.reduce_sum(tf.sin(ours(inputs, probes=probes)[0]))
        return tape.gradient(loss, probes)

    found = gradients(inputs, probes)
    assert all(not np.any(gradient[:, :last_cut]) for gradient in found)
    assert all(np.all(gradient[:, last_cut] != 0) for gradient in found)

    _, *states = ours(inputs[:, : last_cut + 1])
    for which, unit in np.ndindex(len(states), UNITS):

        def answer(shift, which=which, unit=unit):
            moved = [*states]
            moved[which] += shift * tf.one_hot(unit, UNITS, dtype="float64")
            return tf.reduce_sum(tf.sin(ours(inputs[:, last_cut + 1 :], initial_state=moved)[0]), axis=1)

        slope = (answer(1e-5) - answer(-1e-5)) / 2e-5
        np.testing.assert_allclose(found[which][:, last_cut, unit], slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("derivative", "cell", "compiled"),
    [
        *((penalty, cell, None) for cell in CELLS),
        (persistent, "LSTM", None),
        (penalty, "SimpleRNN", {"jit_compile": True}),
        (through_a_vectorized_map, "GRU", None),
    ],
)
def test_derivatives_of_gradients_are_those_of_chunks(derivative, cell, compiled):
    inputs = tf.constant(sequences(length=3))
    reference, _ = pair(cell, return_sequences=True, return_state=True)
    _, ours = pair(cell, return_sequences=True)
    truncated(ours, 2)

    def of_ours(inputs):
        return derivative(ours, inputs)

    found = (tf.function(of_ours, autograph=False, **compiled) if compiled else of_ours)(inputs)
    for a, b in zip(found, derivative(Chunks(reference, 2, states=False), inputs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())


class Normalised(keras.layers.Layer):
    """A plug-in's cell with a state and an output of different widths: h = tanh(norm(x W + h U)), y = h V."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.state_size, self.output_size, self.norm = units, 2, keras.layers.LayerNormalization(dtype=self.dtype)

    def build(self, input_shape):
        shapes = {
            "kernel": (input_shape[-1], self.state_size),
            "recurrent": (self.state_size,) * 2,
            "out": (self.state_size, 2),
        }
        for name, shape in shapes.items():
            setattr(
                self, name, self.add_weight(shape=shape, initializer=keras.initializers.GlorotUniform(1), name=name)
            )
        self.norm.build((None, self.state_size))

    def call(self, inputs, states):
        (h,) = states
        h = ops.tanh(self.norm(inputs @ self.kernel + h @ self.recurrent))
        return h @ self.out, h


def stacked(dtype):
    return [keras.layers.LSTMCell(4, dtype=dtype), keras.layers.GRUCell(UNITS, dtype=dtype)]


MAKERS = {
    "plug-in": lambda **kwargs: keras.layers.RNN(Normalised(UNITS, dtype=kwargs["dtype"]), **kwargs),
    "stacked cells": lambda **kwargs: keras.layers.RNN(stacked(kwargs["dtype"]), **kwargs),
    "ours, unrolled": lambda **kwargs: layers.SimpleRNN(UNITS, unroll=True, **kwargs),
    "unrolled": lambda **kwargs: keras.layers.GRU(UNITS, unroll=True, **kwargs),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "float64"])
def test_any_recurrent_layer(kind, dtype, fast_calls):
    reference, layer = (
        MAKERS[kind](return_sequences=True, return_state=True, dtype=dtype, name="recurrent") for _ in range(2)
    )
    inputs = sequences(length=LENGTH, dtype=dtype)
    whole = reference(inputs)
    truncated(layer, 3)(inputs)
    layer.set_weights(reference.get_weights())
    found, expected = results(layer, inputs), results(Chunks(reference, 3), inputs)
    assert_same(found, expected, 1e-5 if dtype == "float32" else 1e-12)
    for a, b in zip(found[0], tf.nest.flatten(whole), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [weight.name for weight in layer.weights] == [weight.name for weight in reference.weights]
    assert not fast_calls


@pytest.mark.parametrize("stock", [True, False])
def test_a_network_of_any_length_trains_as_on_chunks_and_is_saved_without_cuts(stock, tmp_path, monkeypatch):
    monkeypatch.undo()
    inputs = tf.constant(sequences(length=LENGTH, dtype="float64"))
    given = keras.Input((None, 3), dtype="float64")
    cut = pair("LSTM", return_sequences=True, dtype="float64")[not stock]
    network = keras.Model(given, keras.layers.Dense(2, dtype="float64")(truncated(cut, 3)(given)))
    reference, _ = pair("LSTM", return_sequences=True, return_state=True, dtype="float64")
    network.layers[1].set_weights(reference.get_weights())

    def gradients(answer, layer, inputs):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(answer(inputs)))
        return tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    compiled = tf.function(
        lambda inputs: gradients(network, cut, inputs),
        input_signature=[tf.TensorSpec((None, None, 3), "float64")],
        jit_compile=not stock,
    )
    chunks = Chunks(reference, 3, states=False)
    for length in (LENGTH, 5):
        expected = gradients(lambda inputs: network.layers[2](chunks(inputs)), reference, inputs[:, :length])
        for a, b in zip(compiled(inputs[:, :length]), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)

    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    assert type(again.layers[1]) is type(cut)
    np.testing.assert_array_equal(again(inputs), network(inputs))
    expected = gradients(lambda inputs: network.layers[2](reference(inputs)[0]), reference, inputs)
    for a, b in zip(gradients(again, again.layers[1], inputs), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_an_eager_call_of_a_drop_in_is_cut_in_the_stock_loop(cell, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(recurrent, "recurrence", None)
    reference, ours = pair(cell, return_sequences=True, return_state=True)
    assert_same(results(truncated(ours, 3), sequences()), results(Chunks(reference, 3), sequences()))


def test_a_mask_is_refused():
    for layer in pair("GRU"):
        with pytest.raises(
            ValueError, match=f"'{layer.name}': a gradient that is cut every 3 steps cannot have a mask"
        ):
            truncated(layer, 3)(sequences(), mask=tf.ones((2, 6), "bool"))
