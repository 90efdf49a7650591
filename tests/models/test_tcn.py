"""The TCN as a model: its size in closed form, its receptive field, and a network around it."""

import numpy as np
import pytest
from pydantic import ValidationError

from rnnbench.models.sizing import check_budget, recurrent_parameters, units_for_budget
from rnnbench.models.tcn import TCN
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build


def weights_of(model, inputs):
    layer = model.layer("layer_0")
    layer.build((None, None, inputs))
    return sum(weight.shape.num_elements() for weight in layer.trainable_weights)


@pytest.mark.parametrize("inputs", [1, 5, 6])
@pytest.mark.parametrize("settings", [{"layers": 1}, {"layers": 3, "kernel_size": 2}, {}])
def test_parameters(settings, inputs):
    model = TCN(units=6, **settings)
    assert model.parameters(inputs) == weights_of(model, inputs)


def test_the_default_sees_3061_steps():
    assert TCN().receptive_field == 3061
    assert TCN(layers=1, kernel_size=2).receptive_field == 3


def test_match_by_parameters():
    model = TCN(units=units_for_budget(TCN(), recurrent_parameters(2), 67_072))
    check_budget(model, recurrent_parameters(2), 67_072)
    gaps = {units: abs(TCN(units=units).parameters(2) - 67_072) for units in range(model.units - 2, model.units + 3)}
    assert min(gaps, key=gaps.get) == model.units


def test_settings_that_make_no_network():
    for settings in ({"kernel_size": 1}, {"layers": 0}, {"layers": 17}, {"dropout": 1.0}):
        with pytest.raises(ValidationError):
            TCN(**settings)


def test_a_network_follows_its_seed():
    """What is dropped too: the state of the generators is among the variables."""
    task, model = CopyMemory(lag=4, symbols=2), TCN(units=5, layers=2, dropout=0.1)
    networks = [build(task, model, seed) for seed in (0, 0, 1)]
    assert any("seed" in variable.path for variable in networks[0].variables)
    for first, again, other in zip(*(network.variables for network in networks), strict=True):
        assert np.array_equal(first, again)
        # No weight starts from a constant but the head's bias.
        assert np.array_equal(first, other) == (first.path == "head/bias")
