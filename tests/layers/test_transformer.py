"""The Transformer against its formula in NumPy, and what any causal layer must satisfy."""

import numpy as np
import pytest

from rnnbench.layers.transformer import Transformer, positions
from tests.layers import causal


def layer_of(dtype="float64", **settings):
    return causal.built(Transformer(**{"units": 8, "layers": 2, "heads": 2, **settings}, dtype=dtype))


def waves(length, units):
    found = np.empty((length, units))
    for place in range(units):
        angles = np.arange(length) / 10_000 ** ((place - place % 2) / units)
        found[:, place] = np.cos(angles) if place % 2 else np.sin(angles)
    return found


def by_formula(layer, inputs):
    """Example by example, step by step and head by head, from the layer's weights."""
    weights = {weight.path.partition("/")[2]: weight.numpy() for weight in layer.weights}

    def dense(rows, where):
        return rows @ weights[f"{where}/kernel"] + weights[f"{where}/bias"]

    def normalized(rows, where):
        centred = rows - rows.mean(-1, keepdims=True)
        deviations = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
        return centred / deviations * weights[f"{where}/gamma"] + weights[f"{where}/beta"]

    def attention(rows, where):
        attended = np.tile(weights[f"{where}/attention_output/bias"], (len(rows), 1))
        for head in range(layer.heads):
            query, key, value = (
                rows @ weights[f"{where}/{name}/kernel"][:, head] + weights[f"{where}/{name}/bias"][head]
                for name in ("query", "key", "value")
            )
            for t in range(len(rows)):
                shares = np.exp(key[: t + 1] @ query[t] / np.sqrt(query.shape[-1]))
                read = shares / shares.sum() @ value[: t + 1]
                attended[t] += read @ weights[f"{where}/attention_output/kernel"][head]
        return attended

    answers = []
    for rows in inputs:
        states = np.sqrt(layer.units) * dense(rows, "projection") + waves(len(rows), layer.units)
        for index in range(len(layer.blocks)):
            block = f"block_{index}"
            states = states + attention(normalized(states, f"{block}/normalization_0"), f"{block}/attention")
            hidden = np.maximum(dense(normalized(states, f"{block}/normalization_1"), f"{block}/hidden"), 0)
            states = states + dense(hidden, f"{block}/output")
        answers.append(normalized(states, "normalization"))
    return np.array(answers)


@pytest.mark.parametrize(
    ("settings", "tolerance"),
    [
        ({}, 1e-10),
        ({"layers": 3}, 1e-10),
        ({"units": 5, "heads": 5}, 1e-10),
        # Keras rounds 1 / sqrt(head width) to float32 first.
        ({"units": 5, "heads": 1}, 1e-6),
    ],
)
def test_the_formula(settings, tolerance):
    layer, inputs = layer_of(**settings), causal.sequences(length=12)
    np.testing.assert_allclose(layer(inputs), by_formula(layer, inputs), atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-3), ("float64", 1e-10)])
@pytest.mark.parametrize("units", [7, 8])
def test_positions(units, dtype, tolerance):
    found = np.asarray(positions(np.zeros((1, 3000, units), dtype)))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, waves(3000, units), atol=tolerance)


def test_initial_weights_are_glorot_uniform():
    """Every head's maps too: Keras takes an attention's kernel for that of a convolution."""
    layer = Transformer(256, layers=1, heads=8)
    layer.build((None, None, 40))
    block = layer.blocks[0]
    attention = [one for one in block.attention._flatten_layers(include_self=False) if one.weights]
    maps = [layer.projection, *attention, block.hidden, block.output_projection]
    assert len(maps) == 7
    for one, (read, written) in zip(maps, [(40, 256), *[(256, 256)] * 4, (256, 1024), (1024, 256)], strict=True):
        bound = np.sqrt(6 / (read + written))
        assert 0.99 * bound < np.abs(one.kernel).max() <= bound
        assert np.asarray(one.kernel).std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
        assert not np.any(one.bias)
    kernels = [np.asarray(one.kernel).ravel()[:100] for one in maps[1:5]]
    assert len(np.unique(kernels, axis=0)) == 4


def test_heads_that_do_not_divide_the_units():
    with pytest.raises(ValueError, match="heads must divide units, but 4 does not divide 6"):
        Transformer(6, layers=1, heads=4)
