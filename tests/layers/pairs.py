"""Stock layers and ours with the same weights, and what they give."""

import keras
import numpy as np
import tensorflow as tf

from rnnbench import layers

CELLS = ("SimpleRNN", "LSTM", "GRU")
UNITS = 5


def pair(cell, units=UNITS, width=3, **kwargs):
    """A stock layer and ours, with the same weights, none of them zero."""
    stock, ours = (getattr(module, cell)(units, **kwargs) for module in (keras.layers, layers))
    rng = np.random.default_rng(1)
    for layer in (stock, ours):
        layer.build((2 if kwargs.get("stateful") else None, None, width))
    weights = [rng.normal(size=weight.shape, scale=1 / np.sqrt(units + width)) for weight in stock.get_weights()]
    for layer in (stock, ours):
        layer.set_weights(weights)
    return stock, ours


def sequences(batch=2, length=6, width=3, dtype="float32"):
    return np.random.default_rng(0).normal(size=(batch, length, width)).astype(dtype)


def results(layer, inputs, initial_state=(), **kwargs):
    """All outputs of a call, and gradients of a function of them w.r.t. inputs, initial states and weights."""
    inputs, *states = map(tf.convert_to_tensor, (inputs, *initial_state))
    if states:
        kwargs["initial_state"] = states
    with tf.GradientTape() as tape:
        tape.watch([inputs, *states])
        outputs = tf.nest.flatten(layer(inputs, **kwargs))
        loss = sum(tf.reduce_sum(tf.sin((1 + index) * tf.cast(y, "float64"))) for index, y in enumerate(outputs))
    sources = [inputs, *states, *[weight.value for weight in layer.trainable_weights]]
    return outputs, tape.gradient(loss, sources, unconnected_gradients="zero")


def assert_same(found, expected, tolerance=1e-5):
    """Outputs within the tolerance; gradients within it too, relative to their norm."""
    for a, b in zip(found[0], expected[0], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
    for a, b in zip(found[1], expected[1], strict=True):
        assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(b)


def states_of(cell, batch=2):
    rng = np.random.default_rng(2)
    return [rng.normal(size=(batch, UNITS)).astype("float32") for _ in range(2 if cell == "LSTM" else 1)]
