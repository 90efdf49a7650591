"""Features at mean 0 and deviation 1; those that never change in training are 0."""

import numpy as np
import pytest

from rnnbench.datasets.scaling import Scale

RNG = np.random.default_rng(0)


def test_it_is_the_plain_rule_where_everything_varies():
    values = RNG.normal(-5, 2, size=(50, 7, 3)).astype(np.float32)
    mean, deviation = (getattr(values, of)(axis=(0, 1), dtype=np.float64) for of in ("mean", "std"))
    assert np.array_equal(Scale.of(values)(values), (values - mean) / deviation)


@pytest.mark.parametrize("value", [0.0, 1.0, -13.815511, 1e6])
@pytest.mark.parametrize("noise", [0.0, 1e-8, 1e-7])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_is_constant_in_training_is_zero_everywhere(value, noise, kind):
    train = RNG.normal(size=(200, 2)).astype(kind)
    train[:, 1] = value * (1 + noise * RNG.choice([-1, 1], size=200))
    scale = Scale.of(train)
    assert scale.constant.tolist() == [False, True]
    other = RNG.normal(size=(20, 2)).astype(kind)
    for values in (train, other):
        assert np.isfinite(scale(values)).all()
        assert (scale(values)[:, 1] == 0).all()
        assert scale(values)[:, 0].any()


def test_small_numbers_are_no_constants():
    train = 1e-12 * RNG.normal(size=(100, 1))
    assert Scale.of(train)(train).std() == pytest.approx(1)
