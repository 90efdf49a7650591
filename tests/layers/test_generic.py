"""`layers.RNN` over any cell gives what `keras.layers.RNN` gives: outputs, states and gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from rnnbench import layers
from rnnbench.bench.cells import JANET, LayerNormLSTM, PeepholeLSTM
from tests.layers.pairs import assert_same, results, sequences

UNITS = 3
"""As many as examples and inputs, so that nothing can be told by its shape."""


class TwoSizes(keras.Layer):
    """Two states of different sizes, and an output that is neither; a weight is used twice, and transposed."""

    state_size, output_size = (2, 4), 5

    def build(self, input_shape):
        shapes = {"kernel": (input_shape[-1], 2), "across": (2, 4), "out": (4, 5)}
        for name, shape in shapes.items():
            setattr(self, name, self.add_weight(shape=shape, name=name))

    def call(self, inputs, states):
        first, second = states
        first = ops.tanh(inputs @ self.kernel + first + second @ ops.transpose(self.across))
        second = ops.sigmoid(second + first @ self.across + ops.sin(first) @ self.across)
        return second @ self.out, [first, second]


class Weightless(keras.Layer):
    state_size = 3

    def call(self, inputs, states):
        new = ops.tanh(states[0] + inputs)
        return new, [new]


class Untidy(keras.Layer):
    """Reads a frozen weight, a constant and a step's mean over the batch; its output is a copy of its state."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.frozen = self.add_weight(shape=(self.units,) * 2, name="frozen", trainable=False)
        self.shift = np.arange(self.units, dtype="float32")

    def call(self, inputs, states):
        state = states[0] if isinstance(states, list | tuple) else states
        new = ops.tanh(inputs @ self.kernel + state @ self.frozen - ops.mean(state, axis=0) + self.shift)
        return new + 0, new


slow = pytest.mark.slow

CELLS = {
    "layer norm": lambda **kwargs: LayerNormLSTM(UNITS, **kwargs),
    "janet": lambda **kwargs: JANET(UNITS, **kwargs),
    "peephole": lambda **kwargs: PeepholeLSTM(UNITS, **kwargs),
    "reset before": lambda **kwargs: keras.layers.GRUCell(UNITS, reset_after=False, **kwargs),
    "relu": lambda **kwargs: keras.layers.LSTMCell(UNITS, activation="relu", **kwargs),
    "softsign": lambda **kwargs: keras.layers.LSTMCell(UNITS, activation="softsign", **kwargs),
    "two sizes": lambda **kwargs: TwoSizes(**kwargs),
    "weightless": lambda **kwargs: Weightless(**kwargs),
    "untidy": lambda **kwargs: Untidy(UNITS, **kwargs),
}


def pair(kind, width=3, dtype="float32", **kwargs):
    """A stock layer and ours over cells with the same weights, none of them 0."""
    maker = CELLS[kind] if isinstance(kind, str) else kind
    stock, ours = (module.RNN(maker(dtype=dtype), dtype=dtype, **kwargs) for module in (keras.layers, layers))
    rng = np.random.default_rng(1)
    for layer in (stock, ours):
        layer.build((3 if kwargs.get("stateful") else None, None, width))
    for weights in zip(stock.cell.variables, ours.cell.variables, strict=True):
        value = rng.normal(size=weights[0].shape) / 2
        for weight in weights:
            if "float" in weight.dtype:
                weight.assign(value)
    return stock, ours


def in_a_function(layer, inputs, *args, jit_compile=True, signature=None, **kwargs):
    function = tf.function(
        lambda inputs: results(layer, inputs, *args, **kwargs),
        jit_compile=jit_compile,
        autograph=False,
        input_signature=signature,
    )
    return function(tf.constant(inputs))


def states_of(layer, batch=3, dtype="float32"):
    rng = np.random.default_rng(2)
    return [rng.normal(size=(batch, size)).astype(dtype) for size in layer.state_size]


@pytest.mark.parametrize("kind", CELLS)
def test_outputs_states_and_gradients(kind, fast_calls):
    stock, ours = pair(kind, return_sequences=True, return_state=True)
    assert layers.has_fast_loop(ours)
    inputs, states = sequences(3, 5), states_of(stock)
    compiled = kind in ("layer norm", "two sizes")
    assert_same(in_a_function(ours, inputs, states, jit_compile=compiled), results(stock, inputs, states))
    assert len(fast_calls) == 1


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("two sizes", {"return_state": True}),
        pytest.param("janet", {"go_backwards": True}, marks=slow),
        pytest.param("peephole", {"stateful": True}, marks=slow),
    ],
)
def test_options_of_the_layer(kind, kwargs, fast_calls):
    stock, ours = pair(kind, **kwargs)
    for _ in range(2):
        assert_same(in_a_function(ours, sequences(3, 4)), results(stock, sequences(3, 4)))
    assert fast_calls


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=slow), False])
def test_batch_and_time_that_are_not_known(compiled, fast_calls):
    stock, ours = pair("layer norm", return_sequences=True, dtype="float64")
    inputs = sequences(4, 40, dtype="float64")
    signature = [tf.TensorSpec((None, None, 3), "float64")]
    found = in_a_function(ours, inputs, jit_compile=compiled, signature=signature)
    assert_same(found, results(stock, inputs), 1e-10)
    assert fast_calls


def gradients_of(layer, inputs, steps=None, probes=(), jit_compile=True):
    """Outputs, and gradients w.r.t. inputs, weights and probes."""

    @tf.function(jit_compile=jit_compile, autograph=False)
    def compute(inputs, probes):
        given = ({} if steps is None else {"steps": tf.constant(steps)}) | ({"probes": probes} if probes else {})
        weights = [weight.value for weight in layer.trainable_weights]
        with tf.GradientTape() as tape:
            tape.watch([inputs, *probes])
            outputs = tf.nest.flatten(layer(inputs, **given))
            total = tf.add_n([tf.reduce_sum(tf.sin(one)) for one in outputs])
        return outputs, tape.gradient(total, [inputs, *weights, *probes])

    outputs, gradients = compute(tf.constant(inputs), list(probes))
    return [np.asarray(one) for one in outputs], [np.asarray(one) for one in gradients]


@pytest.mark.parametrize("kind", [pytest.param("peephole", marks=slow), "two sizes"])
def test_bits_do_not_depend_on_the_buffer(kind):
    """40 steps in two blocks and more."""
    cell = {"peephole": lambda **kwargs: PeepholeLSTM(64, **kwargs)}.get(kind, kind)
    _, ours = pair(cell, return_sequences=True, return_state=True)
    inputs = sequences(64, 96)
    probes = [np.zeros((64, 96, size), "float32") for size in ours.state_size]
    steps = 40
    expected, expected_gradients = gradients_of(ours, inputs[:, :steps], None, [one[:, :steps] for one in probes])
    n_weights = len(ours.trainable_weights)
    for length in (steps, 96):
        found, gradients = gradients_of(ours, inputs[:, :length], [steps], [one[:, :length] for one in probes])
        in_time = [found[0], gradients[0], *gradients[1 + n_weights :]]
        for a, b in zip(
            in_time, [expected[0], expected_gradients[0], *expected_gradients[1 + n_weights :]], strict=True
        ):
            np.testing.assert_array_equal(a[:, :steps], b)
            assert not a[:, steps:].any()
        at_once = [*found[1:], *gradients[1 : 1 + n_weights]]
        for a, b in zip(at_once, [*expected[1:], *expected_gradients[1 : 1 + n_weights]], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("kind", "truncate"),
    [
        ("softsign", None),
        ("two sizes", 3),
        *(pytest.param(*case, marks=slow) for case in (("softsign", 3), ("two sizes", None), ("layer norm", 3))),
    ],
)
def test_gradients_with_respect_to_probes(kind, truncate):
    """Each is the slope of the answer along a unit of a state, and 0 for states before the last cut."""
    _, ours = pair(kind, return_state=True, dtype="float64")
    layers.truncated(ours, truncate)
    length, step = 5, 3
    inputs = sequences(3, length, dtype="float64")
    probes = [np.zeros((3, length, size)) for size in ours.state_size]

    @tf.function(jit_compile=True)
    def found(inputs, probes):
        with tf.GradientTape() as tape:
            tape.watch(probes)
            answer = tf.reduce_sum(tf.sin(ours(inputs, probes=probes)[0]))
        return tape.gradient(answer, probes)

    @tf.function
    def answer(states):
        return tf.reduce_sum(tf.sin(ours(inputs[:, step + 1 :], initial_state=states)[0]), axis=1)

    gradients = found(tf.constant(inputs), [tf.constant(probe) for probe in probes])
    _, *states = ours(tf.constant(inputs[:, : step + 1]))
    for which, size in enumerate(ours.state_size):
        assert truncate is None or not np.any(gradients[which][:, : step - 1])
        for unit in range(size):
            values = []
            for shift in (1e-6, -1e-6):
                moved = [*states]
                moved[which] += shift * tf.one_hot(unit, size, dtype="float64")
                values.append(answer(moved))
            slope = (values[0] - values[1]) / 2e-6
            np.testing.assert_allclose(gradients[which][:, step, unit], slope, rtol=1e-5, atol=1e-8)


def test_a_frozen_layer_with_probes_has_no_gradient_of_its_weights():
    _, ours = pair("janet", trainable=False)
    weights = [weight.value for weight in ours.weights]

    @tf.function
    def check():
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs = ours(sequences(3, 4), probes=[tf.zeros((3, 4, UNITS))])
        assert tape.gradient(outputs, weights) == [None] * len(weights)

    check()


@pytest.mark.parametrize("kind", [pytest.param("peephole", marks=slow), "two sizes"])
def test_truncated(kind):
    stock, ours = (
        layers.truncated(layer, 3) for layer in pair(kind, return_sequences=True, return_state=True, dtype="float64")
    )
    inputs = sequences(3, 8, dtype="float64")
    assert_same(in_a_function(ours, inputs), results(stock, inputs), 1e-10)


@pytest.mark.parametrize("rate", [0.3, pytest.param(0.0, marks=slow)])
@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("SimpleRNN", {}),
        ("LSTM", {}),
        ("GRU", {}),
        *(pytest.param(cell, {"implementation": 1}, marks=slow) for cell in ("LSTM", "GRU")),
    ],
)
def test_dropout_is_the_same_draw(cell, options, rate, fast_calls):
    stock, ours = (
        getattr(module, cell)(UNITS, return_sequences=True, seed=3, dropout=rate, recurrent_dropout=0.4, **options)
        for module in (keras.layers, layers)
    )
    inputs = sequences(3, 5)
    for layer in (stock, ours):
        layer.build(inputs.shape)
    ours.set_weights(stock.get_weights())
    assert layers.has_fast_loop(ours)
    for training in (True, False):
        found = in_a_function(ours, inputs, jit_compile=False, training=training)
        assert_same(found, results(stock, inputs, training=training))
    assert len(fast_calls) == 2


def penalty(layer, inputs):
    """The gradient of a loss and the norm of its gradient, with respect to inputs and weights."""
    sources = [inputs, *[weight.value for weight in layer.trainable_weights]]
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            loss = tf.add_n([tf.reduce_sum(tf.sin(one)) for one in tf.nest.flatten(layer(inputs))])
        total = tf.add_n([loss, *[tf.reduce_sum(gradient**2) for gradient in inner.gradient(loss, sources)]])
    return outer.gradient(total, sources)


@pytest.mark.parametrize(
    ("kind", "compiled"),
    [
        ("two sizes", False),
        ("janet", True),
        *(pytest.param(kind, False, marks=slow) for kind in ("layer norm", "peephole", "reset before", "untidy")),
    ],
)
def test_derivatives_of_gradients(kind, compiled):
    stock, ours = pair(kind, return_sequences=True, return_state=True)
    inputs = tf.constant(sequences(3, 3))
    found = tf.function(lambda inputs: penalty(ours, inputs), jit_compile=compiled, autograph=False)(inputs)
    for a, b in zip(found, penalty(stock, inputs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())


class Counting(Weightless):
    """Writes a variable at each step."""

    def build(self, input_shape):
        self.count = self.add_weight(shape=(), trainable=False, name="count")

    def call(self, inputs, states):
        self.count.assign_add(1.0)
        return super().call(inputs, states)


class Charging(Weightless):
    def call(self, inputs, states):
        self.add_loss(ops.sum(states[0]))
        return super().call(inputs, states)


class Drawing(Weightless):
    def call(self, inputs, states):
        return super().call(inputs + keras.random.normal(ops.shape(inputs)), states)


class Hidden(Weightless):
    """Its weight is not one that Keras knows."""

    def build(self, input_shape):
        self.weight = tf.Variable(1.0)

    def call(self, inputs, states):
        return super().call(self.weight * inputs, states)


class Spelling(Weightless):
    """XLA has no strings."""

    def call(self, inputs, states):
        return super().call(inputs + tf.cast(tf.strings.length(tf.strings.as_string(inputs)), "float32"), states)


class Choosing(Weightless):
    def call(self, inputs, states):
        return super().call(inputs if ops.sum(inputs) > 0 else -inputs, states)


@pytest.mark.parametrize(
    "cell", [Counting, Charging, Drawing, Hidden, Spelling, Choosing, "stacked", "nested", "mixed"]
)
def test_cells_that_do_not_compile_are_left_to_the_stock_layer(cell):
    cells = {
        "stacked": lambda: [JANET(2), JANET(3)],
        "nested": lambda: keras.layers.StackedRNNCells([LayerNormLSTM(2), JANET(3)]),
        "mixed": lambda: JANET(3, dtype="mixed_bfloat16"),
    }
    stock = keras.layers.RNN(cells[cell]() if isinstance(cell, str) else cell())
    assert layers.fast(stock) is stock
    with pytest.raises(ValueError, match="steps need the fast loop"):
        layers.RNN(cell() if not isinstance(cell, str) else cells[cell]())(sequences(3, 4), steps=[2])


def test_fast_takes_over_the_cell_and_draws_nothing():
    import random

    stock = keras.layers.RNN(JANET(4), return_sequences=True, go_backwards=True, name="layer")
    before = random.getstate()
    ours = layers.fast(stock)
    assert random.getstate() == before
    assert type(ours) is layers.RNN
    assert ours.cell is stock.cell
    assert not ours.built
    assert not ours.cell.built
    assert (ours.name, ours.return_sequences, ours.go_backwards) == ("layer", True, True)


def test_a_network_is_saved_as_stock_and_loads_as_ours(tmp_path, monkeypatch):
    inputs = keras.Input((None, 3))
    network = keras.Model(inputs, layers.RNN(keras.layers.GRUCell(UNITS, reset_after=False))(inputs))
    expected = network(sequences(3, 4))
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    assert type(again.layers[1]) is layers.RNN
    np.testing.assert_allclose(again(sequences(3, 4)), expected, atol=1e-6)
    monkeypatch.delitem(keras.saving.get_custom_objects(), "RNN")
    elsewhere = keras.models.load_model(tmp_path / "network.keras")
    assert type(elsewhere.layers[1]) is keras.layers.RNN
    np.testing.assert_allclose(elsewhere(sequences(3, 4)), expected, atol=1e-6)
