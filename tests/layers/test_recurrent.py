"""The drop-in layers give what the stock ones give: outputs, states, gradients and saved weights."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnbench import layers
from rnnbench.layers import loops, recurrent
from tests.layers.pairs import CELLS, UNITS, assert_same, pair, results, sequences, states_of


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"return_sequences": True},
        {"return_state": True},
        {"return_sequences": True, "return_state": True, "go_backwards": True},
        {"use_bias": False, "return_sequences": True},
        {"go_backwards": True},
        {"return_sequences": True, "trainable": False},
    ],
    ids=lambda kwargs: "+".join(kwargs) or "defaults",
)
def test_outputs_and_gradients(cell, kwargs, fast_calls):
    stock, ours = pair(cell, **kwargs)
    for options in ({}, {"initial_state": states_of(cell)}):
        assert_same(results(ours, sequences(), **options), results(stock, sequences(), **options))
    assert len(fast_calls) == 2


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("batch", "length", "width", "units"),
    [(1, 1, 1, 1), (3, 1, 2, 4), (1, 9, 70, 3), (4, 8, 2, 33), (65, 5, 3, 4)],
)
def test_shapes(cell, batch, length, width, units, fast_calls):
    stock, ours = pair(cell, units, width, return_sequences=True)
    inputs = sequences(batch, length, width)
    assert_same(results(ours, inputs), results(stock, inputs))
    assert len(fast_calls) == 1


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("steps_in_block", "known"), [(1, False), (4, True), (4, False), (11, False), (12, True)])
def test_blocks_of_steps(cell, steps_in_block, known, monkeypatch):
    """Eleven steps, known when the layer is traced or not, in blocks that they fill or leave open."""
    monkeypatch.setattr(loops, "BLOCK", steps_in_block * 2 * UNITS)
    stock, ours = pair(cell, return_sequences=True)
    inputs = sequences(length=11)
    signature = [tf.TensorSpec((2, 11 if known else None, 3), "float32")]

    @tf.function(input_signature=signature, jit_compile=known)
    def compiled(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = ours(inputs)
            loss = tf.reduce_sum(tf.sin(tf.cast(outputs, "float64")))
        return [outputs], tape.gradient(loss, [inputs, *[weight.value for weight in ours.trainable_weights]])

    assert_same(compiled(inputs), results(stock, inputs))


@pytest.mark.parametrize("cell", CELLS)
def test_a_frozen_layer_has_gradients_of_weights_that_are_watched_unless_it_is_probed(cell, fast_calls):
    found = []
    probes = [tf.zeros((2, 6, UNITS)) for _ in states_of(cell)]
    stock, ours = pair(cell, trainable=False)
    for layer, given in ((stock, None), (ours, None), (ours, probes)):
        weights = [weight.value for weight in layer.weights]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs = layer(sequences(), probes=given) if given else layer(sequences())
        found.append(tape.gradient(outputs, weights))
    for a, b in zip(*found[:2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert found[2] == [None] * len(weights)
    assert len(fast_calls) == 2


@pytest.mark.parametrize("shift", [-200.0, 200.0])
def test_gates_that_are_shut_or_open_for_good(shift):
    stock, ours = pair("LSTM", return_sequences=True)
    for layer in (stock, ours):
        layer.cell.bias.assign_add(np.repeat([0, 0, 0, shift], UNITS))  # the output gate, h's only way out
    found, expected = (results(layer, sequences()) for layer in (ours, stock))
    assert_same(found, expected)
    assert all(np.isfinite(gradient).all() for gradient in found[1])


@pytest.mark.parametrize("cell", CELLS)
def test_float64(cell, fast_calls):
    stock, ours = pair(cell, return_sequences=True, dtype="float64")
    inputs = sequences(length=30, dtype="float64")
    assert_same(results(ours, inputs), results(stock, inputs), 1e-12)
    assert len(fast_calls) == 1


@pytest.mark.parametrize("cell", CELLS)
def test_dropout_is_the_same_draw(cell, fast_calls):
    stock, ours = pair(cell, return_sequences=True, dropout=0.4, seed=3)
    for training in (True, False, True):
        assert_same(results(ours, sequences(), training=training), results(stock, sequences(), training=training))
    assert len(fast_calls) == 3


@pytest.mark.parametrize("cell", CELLS)
def test_stateful(cell, fast_calls):
    stock, ours = pair(cell, stateful=True, return_sequences=True)
    for _ in range(2):
        assert_same(results(ours, sequences()), results(stock, sequences()))
    for layer in (stock, ours):
        layer.reset_state()
    assert_same(results(ours, sequences()), results(stock, sequences()))
    assert len(fast_calls) == 3


@pytest.mark.parametrize(
    ("cell", "kwargs"),
    [
        ("GRU", {"unroll": True}),
        ("SimpleRNN", {"dtype": "mixed_float16"}),
    ],
)
def test_what_the_fast_loop_does_not_cover_is_stock(cell, kwargs, fast_calls):
    stock, ours = pair(cell, return_sequences=True, **kwargs)
    assert not layers.has_fast_loop(ours)
    assert_same(results(ours, sequences(), training=True), results(stock, sequences(), training=True))
    assert not fast_calls


@pytest.mark.parametrize("cell", CELLS)
def test_a_mask_takes_the_stock_loop(cell, fast_calls):
    stock, ours = pair(cell, return_sequences=True)
    mask = tf.constant([[True, True, False, True, True, False], [True, False, False, False, False, False]])
    assert_same(results(ours, sequences(), mask=mask), results(stock, sequences(), mask=mask))
    assert not fast_calls


@pytest.mark.parametrize("cell", CELLS)
def test_a_gpu_takes_the_stock_loop(cell, monkeypatch):
    _, ours = pair(cell)
    assert layers.has_fast_loop(ours)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: ["a device"])
    assert not layers.has_fast_loop(ours)
    assert layers.fast(stock := getattr(keras.layers, cell)(UNITS)) is stock


def test_a_keras_with_another_hook_is_served_by_the_stock_loop_and_says_so_once(monkeypatch, fast_calls):
    stock, ours = pair("LSTM")
    old = keras.layers.LSTM.inner_loop

    def inner_loop(self, sequences, initial_state, mask, training=False, constants=None):
        return old(self, sequences, initial_state, mask, training)

    monkeypatch.setattr(keras.layers.LSTM, "inner_loop", inner_loop)
    recurrent.hook_is_known.cache_clear()
    with pytest.warns(UserWarning, match="LSTM.inner_loop"):
        found = results(ours, sequences())
    assert_same(found, results(stock, sequences()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours(sequences())
    assert not fast_calls
    recurrent.hook_is_known.cache_clear()


def network(module, cell, batch=None):
    """Two stacked layers, the second one bidirectional."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((None, 3), batch_size=batch)
    states = getattr(module, cell)(UNITS, return_sequences=True)(inputs)
    states = keras.layers.Bidirectional(getattr(module, cell)(4))(states)
    return keras.Model(inputs, keras.layers.Dense(2)(states))


@pytest.mark.parametrize(
    "cell", ["SimpleRNN", *(pytest.param(cell, marks=pytest.mark.slow) for cell in ("LSTM", "GRU"))]
)
def test_compiled_steps_of_stacked_and_bidirectional_layers(cell, fast_calls):
    """Batch and time are free, the last batch is a partial one; trained and evaluated at two lengths."""
    trained = []
    for module in (keras.layers, layers):
        model = network(module, cell)

        # A function of its own: Keras leaves XLA out where operations are deterministic, as they are in our tests.
        @tf.function(jit_compile=module is layers, reduce_retracing=True)
        def step(inputs, model=model):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(model(inputs, training=True) - inputs[:, -1, :2]))
            for weight, gradient in zip(
                model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
            ):
                weight.assign_sub(0.3 * gradient)
            return model(inputs)

        inputs = sequences(10, 7)
        answers = [step(tf.constant(batch)) for batch in (inputs[:4], inputs[4:8], inputs[8:], sequences(4, 9))]
        trained.append([*answers, *model.get_weights()])
    assert len(fast_calls) >= 3
    for found, expected in zip(trained[1], trained[0], strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_fit_and_predict(cell, fast_calls):
    """As a user of Keras would, the last batch a partial one."""
    trained = []
    for module in (keras.layers, layers):
        model = network(module, cell)
        model.compile(keras.optimizers.SGD(0.3), "mse", jit_compile=False)
        inputs = sequences(10, 7)
        model.fit(inputs, inputs[:, -1, :2], batch_size=4, shuffle=False, verbose=0)
        trained.append([model.predict(sequences(3, 9), verbose=0), *model.get_weights()])
    assert fast_calls
    for found, expected in zip(trained[1], trained[0], strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("direction", [(keras.layers, layers), (layers, keras.layers)], ids=["to ours", "to stock"])
def test_weights_go_both_ways(cell, direction, tmp_path):
    source, target = (network(module, cell) for module in direction)
    expected = source(sequences())
    target.set_weights(source.get_weights())
    np.testing.assert_allclose(target(sequences()), expected, rtol=0, atol=1e-5)
    source.save_weights(tmp_path / "saved.weights.h5")
    target.set_weights([0 * weight for weight in target.get_weights()])
    target.load_weights(tmp_path / "saved.weights.h5")
    np.testing.assert_allclose(target(sequences()), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_saved_models(cell, tmp_path, monkeypatch):
    """Ours are saved as the stock layers, and loaded as ours only where they are imported."""
    model = network(layers, cell)
    expected = model(sequences())
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.layers[1]) is getattr(layers, cell)
    np.testing.assert_array_equal(again(sequences()), expected)
    monkeypatch.delitem(keras.saving.get_custom_objects(), cell)
    elsewhere = keras.models.load_model(tmp_path / "model.keras")
    assert type(elsewhere.layers[1]) is getattr(keras.layers, cell)
    assert type(elsewhere.layers[2].backward_layer) is getattr(keras.layers, cell)
    np.testing.assert_allclose(elsewhere(sequences()), expected, rtol=0, atol=1e-5)
    monkeypatch.undo()
    stock = network(keras.layers, cell)
    stock.save(tmp_path / "stock.keras")
    assert type(keras.models.load_model(tmp_path / "stock.keras").layers[1]) is getattr(keras.layers, cell)


@pytest.mark.parametrize("cell", CELLS)
def test_fast_puts_the_drop_in_for_the_stock_layer(cell):
    stock = getattr(keras.layers, cell)(UNITS, return_sequences=True, dropout=0.2, name="recurrent")
    drop_in = layers.fast(stock)
    assert type(drop_in) is getattr(layers, cell)
    assert drop_in.get_config() == stock.get_config()
    other = getattr(keras.layers, cell)(UNITS, unroll=True)
    assert layers.fast(other) is other


def test_probes_ask_for_the_fast_loop():
    _, ours = pair("SimpleRNN", unroll=True)
    with pytest.raises(ValueError, match="probes need the fast loop"):
        ours(sequences(), probes=[tf.zeros((2, 6, UNITS))])
