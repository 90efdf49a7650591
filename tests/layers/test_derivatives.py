"""Any tape, map or derivative gives what it gives for a stock layer."""

import numpy as np
import pytest
import tensorflow as tf

from rnnbench.layers import recurrent
from tests.layers.pairs import CELLS, UNITS, pair, sequences

ANY_LENGTH = [tf.TensorSpec((2, None, 3), "float32")]


def variables(layer):
    return [weight.value for weight in layer.trainable_weights]


def loss_of(layer, inputs):
    return tf.add_n([tf.reduce_sum(tf.sin(2 * output)) for output in tf.nest.flatten(layer(inputs))])


def persistent(layer, inputs):
    """Two gradients from one tape, one of them taken while it records."""
    sources = [inputs, *variables(layer)]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        first = loss_of(layer, inputs)
        norm = tf.add_n([tf.reduce_sum(gradient**2) for gradient in tape.gradient(first, sources)])
    return tape.gradient(first, sources) + tape.gradient(norm, sources)


def penalty(layer, inputs):
    """A gradient penalty: the gradient of the norm of the gradient, both with respect to everything."""
    sources = [inputs, *variables(layer)]
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            loss = loss_of(layer, inputs)
        gradients = inner.gradient(loss, sources)
        penalised = tf.add_n([loss, *[tf.reduce_sum(gradient**2) for gradient in gradients]])
    return outer.gradient(penalised, sources)


def third_derivative(layer, inputs):
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as middle:
            middle.watch(inputs)
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                loss = loss_of(layer, inputs)
            norm = tf.reduce_sum(inner.gradient(loss, inputs) ** 2)
        norm = tf.reduce_sum(middle.gradient(norm, inputs) ** 2)
    return outer.gradient(norm, [inputs, *variables(layer)])


def jacobian(layer, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
    return tape.jacobian(outputs, [inputs, *variables(layer)])


def hessian(layer, inputs):
    sources = [inputs, *variables(layer)]
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            loss = loss_of(layer, inputs)
        gradient = inner.gradient(loss, inputs)
    return outer.jacobian(gradient, sources)


def gradient_of_jacobian(layer, inputs):
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            outputs = layer(inputs)
        norm = tf.reduce_sum(inner.jacobian(outputs, inputs) ** 2)
    return outer.gradient(norm, [inputs, *variables(layer)])


def through_a_vectorized_map(layer, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(tf.sin(tf.vectorized_map(lambda example: layer(example[None])[0], inputs)))
    return tape.gradient(loss, [inputs, *variables(layer)])


def forward_mode(layer, inputs):
    """The derivative along a direction, and that of the gradient."""
    with tf.autodiff.ForwardAccumulator(inputs, tf.ones_like(inputs)) as accumulator:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(tf.sin(outputs))
        gradient = tape.gradient(loss, inputs)
    return [accumulator.jvp(outputs), accumulator.jvp(gradient)]


def per_example(mapped):
    """Outputs and gradients of each example."""

    def derivative(layer, inputs):
        def gradient(example):
            with tf.GradientTape() as tape:
                loss = loss_of(layer, example[None])
            return tape.gradient(loss, variables(layer))

        return [*mapped(lambda example: [layer(example[None])[0]], inputs), *mapped(gradient, inputs)]

    return derivative


def map_fn(function, inputs):
    like = tf.nest.map_structure(lambda one: tf.TensorSpec(one.shape, one.dtype), function(inputs[0]))
    return tf.map_fn(function, inputs, fn_output_signature=like)


def through_a_map(layer, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(tf.sin(tf.map_fn(lambda example: layer(example[None])[0], inputs)))
    return tape.gradient(loss, [inputs, *variables(layer)])


def checkpointed(layer, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(tf.sin(tf.recompute_grad(lambda inputs: layer(inputs))(inputs)))
    return tape.gradient(loss, [inputs, *variables(layer)])


def assert_as_stock(derivative, cell, compiled=None, **kwargs):
    """`compiled`: options of a `tf.function` in which ours is; stock Keras always runs eagerly."""
    stock, ours = pair(cell, **kwargs)
    inputs = tf.constant(sequences(length=4))

    def of_ours(inputs):
        return derivative(ours, inputs)

    function = of_ours if compiled is None else tf.function(of_ours, autograph=False, **compiled)
    for found, expected in zip(function(inputs), derivative(stock, inputs), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


SOME = {
    "persistent": (persistent, CELLS),
    "penalty": (penalty, CELLS),
    "third": (third_derivative, ["SimpleRNN"]),
    "jacobian": (jacobian, ["GRU"]),
    "forward": (forward_mode, ["SimpleRNN", "LSTM"]),
    "checkpointed": (checkpointed, ["SimpleRNN"]),
    "vectorized_map": (per_example(tf.vectorized_map), CELLS),
    "map_fn": (per_example(map_fn), ["LSTM"]),
    "through_vectorized_map": (through_a_vectorized_map, ["GRU"]),
}

SLOW = {("forward", "LSTM"), ("vectorized_map", "LSTM"), ("vectorized_map", "GRU")}


@pytest.mark.parametrize(
    ("derivative", "cell"),
    [
        pytest.param(derivative, cell, id=f"{name}-{cell}", marks=[pytest.mark.slow] * ((name, cell) in SLOW))
        for name, (derivative, cells) in SOME.items()
        for cell in cells
    ],
)
def test_eager(derivative, cell, fast_calls):
    assert_as_stock(derivative, cell)
    assert fast_calls


def test_a_gradient_of_a_jacobian_in_a_graph(fast_calls):
    """TensorFlow drops our gradients of what it vectorises; without them the ops' own count."""
    assert_as_stock(gradient_of_jacobian, "SimpleRNN", {})
    assert fast_calls


def test_a_hessian_outside_of_functions_is_that_of_the_stock_loop(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(recurrent, "recurrence", None)
    assert_as_stock(hessian, "LSTM")


@pytest.mark.parametrize("cell", CELLS)
def test_sequences_that_go_backwards_and_states_are_differentiated_twice(cell):
    assert_as_stock(penalty, cell, return_sequences=True, return_state=True, go_backwards=True, use_bias=False)


@pytest.mark.parametrize(
    ("derivative", "cell", "known"),
    [
        (persistent, "LSTM", False),
        (penalty, "SimpleRNN", False),
        (penalty, "GRU", True),
        (through_a_map, "SimpleRNN", True),
    ],
)
def test_compiled_by_xla(derivative, cell, known):
    """At a known and at an open length."""
    assert_as_stock(derivative, cell, {"jit_compile": True, "input_signature": None if known else ANY_LENGTH})


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_with_respect_to_probes_are_differentiated(cell):
    """The norm of the gradients w.r.t. all states, as a penalty on how they flow; against finite differences."""
    _, ours = pair(cell, dtype="float64")
    count = 2 if cell == "LSTM" else 1
    inputs = tf.constant(sequences(length=3, dtype="float64"))

    def norm(inputs):
        probes = [tf.zeros((2, 3, UNITS), "float64") for _ in range(count)]
        with tf.GradientTape() as tape:
            tape.watch(probes)
            loss = tf.reduce_sum(tf.sin(ours(inputs, probes=probes)))
        return tf.add_n([tf.reduce_sum(gradient**2) for gradient in tape.gradient(loss, probes)])

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        found = norm(inputs)
    direction = tf.constant(np.random.default_rng(4).normal(size=inputs.shape))
    slope = (norm(inputs + 1e-5 * direction) - norm(inputs - 1e-5 * direction)) / 2e-5
    np.testing.assert_allclose(tf.reduce_sum(tape.gradient(found, inputs) * direction), slope, rtol=1e-6)
