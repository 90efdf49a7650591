"""What any causal layer of Keras must satisfy, whatever it computes."""

import keras
import numpy as np
import tensorflow as tf

WIDTH = 3


def sequences(batch=2, length=9, dtype="float64"):
    return np.random.default_rng(0).normal(size=(batch, length, WIDTH)).astype(dtype)


def built(layer, scale=0.3, seed=1):
    """The layer with weights that are all random: one that starts at 0 or 1 would hide an error."""
    layer.build((None, None, WIDTH))
    rng = np.random.default_rng(seed)
    layer.set_weights([weight + scale * rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def assert_causal(layer, length=9):
    """A changed step changes its own output, no earlier one, and no other example."""
    inputs = sequences(length=length)
    before = np.asarray(layer(inputs))
    for step in range(length):
        changed = inputs.copy()
        changed[0, step] += 1
        after = np.asarray(layer(changed))
        np.testing.assert_array_equal(after[0, :step], before[0, :step])
        np.testing.assert_array_equal(after[1], before[1])
        assert np.any(after[0, step] != before[0, step])


def assert_any_length(layer, lengths=(1, 2, 7, 40)):
    """One traced function reads all lengths; a shorter sequence is answered as the start of a longer one is."""
    function = tf.function(layer, input_signature=[tf.TensorSpec((None, None, WIDTH), "float64")], autograph=False)
    inputs = sequences(length=max(lengths))
    whole = function(inputs)
    assert whole.shape == (*inputs.shape[:2], layer.units)
    for length in lengths:
        np.testing.assert_allclose(function(inputs[:, :length]), whole[:, :length], atol=1e-12)
        np.testing.assert_allclose(layer(inputs[:, :length]), whole[:, :length], atol=1e-12)


def loss_and_gradients(layer, inputs):
    """The sum of the sines of the outputs, and its gradients w.r.t. inputs and weights."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(tf.sin(layer(inputs)))
    return loss, tape.gradient(loss, [inputs, *[weight.value for weight in layer.trainable_weights]])


def assert_gradients(layer, shift=1e-6):
    """W.r.t. inputs and each weight, along a random direction, against finite differences."""
    inputs, rng = tf.Variable(sequences()), np.random.default_rng(2)
    _, gradients = loss_and_gradients(layer, inputs)
    for variable, gradient in zip([inputs, *layer.trainable_weights], gradients, strict=True):
        direction, losses = rng.normal(size=variable.shape), []
        for side in (1, -2):
            variable.assign_add(side * shift * direction)
            losses.append(float(tf.reduce_sum(tf.sin(layer(inputs)))))
        variable.assign_add(shift * direction)
        found, expected = np.sum(gradient * direction), (losses[0] - losses[1]) / (2 * shift)
        assert abs(found - expected) <= 1e-3 * abs(expected) + 1e-8, variable.name


def assert_compiles(layer, tolerance):
    """XLA gives the eager outputs and gradients."""
    inputs = tf.constant(sequences(dtype=layer.dtype))
    compiled = tf.function(lambda inputs: loss_and_gradients(layer, inputs), jit_compile=True, autograph=False)
    for found, expected in zip(
        tf.nest.flatten(compiled(inputs)), tf.nest.flatten(loss_and_gradients(layer, inputs)), strict=True
    ):
        assert found.dtype == expected.dtype == layer.dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))


def assert_loads(layer, folder):
    """A saved network answers as before, and its layer has the same settings."""
    inputs = keras.Input((None, WIDTH), dtype=layer.dtype)
    network = keras.Model(inputs, layer(inputs))
    network.save(folder / "model.keras")
    again = keras.models.load_model(folder / "model.keras")
    assert type(again.layers[1]) is type(layer)
    assert again.layers[1].get_config() == layer.get_config()
    np.testing.assert_array_equal(again(sequences()), network(sequences()))


def assert_drops_in_training_only(layer):
    """Nothing is dropped by default; in training one call differs from the next."""
    inputs = sequences()
    np.testing.assert_array_equal(layer(inputs), layer(inputs, training=False))
    first, second = layer(inputs, training=True), layer(inputs, training=True)
    assert np.all(np.isfinite(first))
    assert np.any(first != second)
