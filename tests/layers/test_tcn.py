"""The TCN against its formula in NumPy, and what any causal layer must satisfy."""

import numpy as np
import pytest

from rnnbench.layers.tcn import TCN
from tests.layers import causal

UNITS = 4


def layer_of(dtype="float64", **settings):
    return causal.built(TCN(**{"units": UNITS, "layers": 3, "kernel_size": 3, **settings}, dtype=dtype))


def by_formula(layer, inputs):
    """Step by step, channel by channel, from the layer's weights."""
    weights = {weight.path.partition("/")[2]: weight.numpy() for weight in layer.weights}

    def convolution(rows, where, dilation):
        v, scale, bias = (weights[f"{where}/{name}"] for name in ("kernel", "scale", "bias"))
        out = np.tile(bias, (len(rows), 1))
        for channel in range(v.shape[-1]):
            w = scale[channel] * v[..., channel] / np.linalg.norm(v[..., channel])
            for t in range(len(rows)):
                for tap in range(len(w)):
                    back = (len(w) - 1 - tap) * dilation
                    if t >= back:
                        out[t, channel] += rows[t - back] @ w[tap]
        return np.maximum(out, 0)

    answers = []
    for rows in inputs:
        for index in range(len(layer.blocks)):
            block = f"block_{index}"
            inner = convolution(rows, f"{block}/convolution_0", 2**index)
            inner = convolution(inner, f"{block}/convolution_1", 2**index)
            if f"{block}/skip/kernel" in weights:
                rows = rows @ weights[f"{block}/skip/kernel"] + weights[f"{block}/skip/bias"]
            rows = np.maximum(rows + inner, 0)
        answers.append(rows)
    return np.array(answers)


@pytest.mark.parametrize("settings", [{}, {"units": causal.WIDTH}, {"layers": 1}, {"kernel_size": 2, "layers": 4}])
def test_the_formula(settings):
    layer, inputs = layer_of(**settings), causal.sequences(length=20)
    np.testing.assert_allclose(layer(inputs), by_formula(layer, inputs), atol=1e-10)


def test_only_the_first_block_has_a_convolution_on_its_skip_and_only_where_widths_differ():
    assert [block.skip is not None for block in layer_of().blocks] == [True, False, False]
    assert [block.skip is not None for block in layer_of(units=causal.WIDTH).blocks] == [False] * 3


def test_the_receptive_field():
    """With all weights positive nothing is cut off, so that each step in the field counts, and none before it."""
    layer = layer_of(layers=2, kernel_size=3)
    layer.set_weights([np.abs(weight) for weight in layer.get_weights()])
    inputs = np.abs(causal.sequences(length=20))
    field = 1 + 2 * (3 - 1) * (2**2 - 1)
    assert field == 13
    for back in range(20):
        changed = inputs.copy()
        changed[:, 19 - back] += 1
        assert np.any(layer(changed)[:, 19] != layer(inputs)[:, 19]) == (back < field)


def test_a_channel_is_dropped_at_all_steps():
    """A block's convolutions are all that varies with the step here; what is dropped leaves the skip alone."""
    layer = layer_of(layers=1, kernel_size=2, units=causal.WIDTH, dropout=0.5)
    layer.set_weights([np.abs(weight) for weight in layer.get_weights()])
    inputs = np.abs(causal.sequences(batch=50))
    dropped = np.asarray(layer(inputs, training=True)) == inputs
    assert np.all(dropped.all(axis=1) == dropped.any(axis=1))
    assert 0.3 < dropped.mean() < 0.7


def test_initial_weights_are_those_of_the_authors_code():
    layer = TCN(200, layers=2, kernel_size=5)
    layer.build((None, None, 50))
    for block, width in zip(layer.blocks, (50, 200), strict=True):
        for convolution, inputs in zip(block.convolutions, (width, 200), strict=True):
            kernel, scale, bias = (np.asarray(weight) for weight in convolution.weights)
            bound = 1 / np.sqrt(5 * inputs)
            for drawn in (kernel, bias):
                assert 0.95 * bound < np.abs(drawn).max() <= bound
            assert kernel.std() == pytest.approx(bound / np.sqrt(3), rel=0.01)
            np.testing.assert_allclose(scale, np.linalg.norm(kernel.reshape(-1, 200), axis=0), rtol=1e-5)
    skip = layer.blocks[0].skip
    assert np.asarray(skip.kernel).std() == pytest.approx(0.01, rel=0.05)
    assert 0.9 / np.sqrt(50) < np.abs(skip.bias).max() <= 1 / np.sqrt(50)
