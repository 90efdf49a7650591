"""The Transformer as a model: its size in closed form, its heads, and a network around it."""

import numpy as np
import pytest
from pydantic import ValidationError

from rnnbench.models.sizing import check_budget, recurrent_parameters, units_for_budget
from rnnbench.models.transformer import Transformer
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build
from tests.models.test_tcn import weights_of


@pytest.mark.parametrize("inputs", [1, 8])
@pytest.mark.parametrize("settings", [{}, {"layers": 1, "heads": 1}, {"layers": 3, "heads": 8}])
def test_parameters(settings, inputs):
    model = Transformer(units=8, **settings)
    assert model.parameters(inputs) == weights_of(model, inputs)


def test_a_block_of_the_published_size():
    """Vaswani et al., table 3: what one of the six blocks adds to an encoder of width 512 (12 d^2 and a little)."""
    one, two = (Transformer(units=512, layers=layers, heads=8).parameters(512) for layers in (1, 2))
    assert two - one == 12 * 512**2 + 13 * 512


@pytest.mark.parametrize("heads", [1, 4, 5])
def test_match_by_parameters_keeps_to_multiples_of_the_heads(heads):
    model = Transformer(units=10 * heads, heads=heads)
    units = units_for_budget(model, recurrent_parameters(2), 67_072)
    sized = Transformer(units=units, heads=heads)
    check_budget(sized, recurrent_parameters(2), 67_072)
    gaps = {
        near: abs(Transformer(units=near, heads=heads).parameters(2) - 67_072)
        for near in (units - heads, units, units + heads)
    }
    assert min(gaps, key=gaps.get) == units


def test_heads_that_do_not_divide_the_units_are_one_line():
    with pytest.raises(ValidationError) as caught:
        Transformer(units=6, heads=4)
    (error,) = caught.value.errors()
    assert error["msg"] == "Value error, heads (4) must divide units (6)"


def test_a_network_follows_its_seed():
    """What is dropped too: the state of the generators is among the variables."""
    task, model = CopyMemory(lag=4, symbols=2), Transformer(units=8, layers=1, dropout=0.1)
    networks = [build(task, model, seed) for seed in (0, 0, 1)]
    assert any("seed" in variable.path for variable in networks[0].variables)
    for first, again, other in zip(*(network.variables for network in networks), strict=True):
        assert np.array_equal(first, again)
        assert np.array_equal(first, other) == first.path.endswith(("bias", "gamma", "beta"))
