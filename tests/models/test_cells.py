"""The models that are a cell of our own: their formulas in NumPy, their sizes in closed form, how they start."""

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from rnnbench import registry
from rnnbench.layers import fast
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build
from tests.models import formulas
from tests.models.test_tcn import weights_of

NAMES = ("layer_norm_lstm", "janet", "indrnn", "cornn", "min_gru", "lru")
TASK = CopyMemory(lag=98, symbols=1)
WIDTH, UNITS = 3, 4


def sequences(length=12):
    return np.random.default_rng(0).normal(size=(2, length, WIDTH)).astype(np.float32)


def weights_by_name(cell):
    return {weight.name: np.asarray(weight, np.float64) for weight in cell.weights}


def moved(model):
    """A layer with weights that are all random: one that starts at 0 or 1 would hide an error."""
    layer, rng = model.layer("layer_0"), np.random.default_rng(1)
    layer.build((None, None, WIDTH))
    model.initialize(layer, 100, rng)
    layer.set_weights([weight + 0.3 * rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def started(name, units=400, **settings):
    """The weights that a network of the model starts with."""
    model = registry.models[name](units=units, **settings)
    return weights_by_name(build(TASK, model, 0).get_layer("layer_0").cell)


@pytest.mark.parametrize("name", NAMES)
def test_the_formula(name):
    # At its defaults coRNN moves little.
    model = registry.models[name](units=UNITS, **({"dt": 0.5, "gamma": 1.0, "epsilon": 0.7} if name == "cornn" else {}))
    layer, inputs = moved(model), sequences()
    expected = np.stack(list(getattr(formulas, name)(model, weights_by_name(layer.cell), inputs)), axis=1)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(layer(inputs), expected, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_sizes(name, layers):
    model = registry.models[name](units=UNITS, layers=layers)
    widths = [WIDTH, *[UNITS] * (layers - 1)]
    assert model.parameters(WIDTH) == sum(weights_of(model, width) for width in widths)
    cell = model.cell()
    assert model.state_size() == layers * sum(keras.tree.flatten(cell.state_size))


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded(name, tmp_path):
    model = registry.models[name](units=UNITS)
    inputs = keras.Input((None, WIDTH))
    network = keras.Model(inputs, model.layer("layer_0")(inputs))
    network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.layers[1].cell.get_config() == network.layers[1].cell.get_config()
    np.testing.assert_array_equal(again(sequences()), network(sequences()))


def test_janet_remembers_over_the_length_of_the_sequences():
    forget, candidate = np.split(started("janet")["bias"], 2)
    assert np.exp(forget).min() >= 1
    assert 96 < np.exp(forget).max() <= 99
    assert not candidate.any()
    assert 9.7 < np.exp(started("janet", chrono_max=11)["bias"]).max() <= 10


def test_no_unit_of_indrnn_more_than_doubles_over_a_sequence():
    recurrent = started("indrnn")["recurrent_weight"]
    assert recurrent.min() >= 0
    assert 0.99 * 2 ** (1 / 100) < recurrent.max() <= 2 ** (1 / 100)
    assert recurrent.mean() == pytest.approx(0.5, abs=0.05)


def test_cornn_and_min_gru_start_as_linear_layers_of_pytorch():
    for name, names, fan_in in (
        ("cornn", ("kernel", "recurrent_kernel", "bias"), TASK.ports.width + 800),
        ("min_gru", ("kernel", "bias"), TASK.ports.width),
    ):
        weights = started(name)
        for one in names:
            assert np.abs(weights[one]).max() == pytest.approx(1 / np.sqrt(fan_in), rel=0.02)
            assert weights[one].std() == pytest.approx(1 / np.sqrt(3 * fan_in), rel=0.1)


def test_the_oscillators_of_cornn_stay_bounded_at_their_defaults():
    model = registry.models["cornn"](units=UNITS)
    layer = model.layer("layer_0")
    layer.build((None, None, WIDTH))
    answered = np.asarray(layer(100 * np.repeat(sequences(1), 300, axis=1)))
    # A constant force of at most 1 holds an oscillator at most at 1 / gamma, but for what swings beyond.
    assert 0.5 / model.gamma < np.abs(answered).max() < 2 / model.gamma


@pytest.mark.parametrize(("r_min", "r_max"), [(0.0, 1.0), (0.9, 0.999)])
def test_eigenvalues_of_the_lru_are_uniform_on_a_ring(r_min, r_max):
    weights = started("lru", units=2000, r_min=r_min, r_max=r_max, max_phase=0.3)
    modulus, phase = np.exp(-np.exp(weights["nu_log"])), np.exp(weights["theta_log"])
    assert r_min <= modulus.min()
    assert modulus.max() <= r_max
    assert (modulus**2).mean() == pytest.approx((r_min**2 + r_max**2) / 2, abs=0.02)
    assert phase.mean() == pytest.approx(0.15, abs=0.01)
    np.testing.assert_allclose(np.exp(weights["gamma_log"]), np.sqrt(1 - modulus**2), rtol=1e-3)
    assert weights["kernel"].std() == pytest.approx(1 / np.sqrt(2 * TASK.ports.width), rel=0.05)


def test_a_ring_needs_a_width():
    with pytest.raises(ValidationError, match=r"r_min \(0.9\) must be below r_max \(0.5\)"):
        registry.models["lru"](r_min=0.9, r_max=0.5)


def test_gates_and_states_of_a_step():
    """What saturation is measured of: the values that the formulas have on the way."""
    rng = np.random.default_rng(3)
    inputs = sequences()
    states = rng.normal(size=(2, *inputs.shape[:2], UNITS)).astype(np.float32)
    for name, gates in (
        ("layer_norm_lstm", {"input", "forget", "output"}),
        ("janet", {"forget"}),
        ("cornn", set()),
        ("min_gru", {"update"}),
    ):
        model = registry.models[name](units=UNITS)
        cell = moved(model).cell
        before = [states[at] for at in range(model.states)]
        found = model.activations(cell, inputs, before)
        assert set(found.gates) == gates
        output, after = cell(inputs[:, 0], [one[:, 0] for one in before])
        at = {kind: {name: np.asarray(one)[:, 0] for name, one in values.items()}
              for kind, values in zip(("gates", "states"), found, strict=True)}  # fmt: skip
        if name == "layer_norm_lstm":
            np.testing.assert_allclose(output, at["gates"]["output"] * at["states"]["cell"], atol=1e-5)
            kept = at["gates"]["forget"] * before[1][:, 0] + at["gates"]["input"] * at["states"]["candidate"]
            np.testing.assert_allclose(after[1], kept, atol=1e-5)
        elif name == "janet":
            forget = at["gates"]["forget"]
            let_in = 1 - formulas.sigmoid(np.log(forget / (1 - forget)) - model.beta)
            expected = forget * before[0][:, 0] + let_in * at["states"]["candidate"]
            np.testing.assert_allclose(output, expected, atol=1e-4)
        elif name == "cornn":
            y, z = (one[:, 0] for one in before)
            z = z + model.dt * (at["states"]["force"] - model.gamma * y - model.epsilon * z)
            np.testing.assert_allclose(after[1], z, atol=1e-4)
        else:
            candidate = cell.gate_and_candidate(inputs)[1][:, 0]
            z = at["gates"]["update"]
            np.testing.assert_allclose(output, (1 - z) * before[0][:, 0] + z * candidate, atol=1e-5)


@pytest.mark.parametrize("name", ["min_gru", "lru"])
def test_linear_recurrences_have_a_fast_layer_with_the_same_weights(name):
    layer = moved(registry.models[name](units=UNITS))
    quick = fast(layer)
    assert quick.name == layer.name
    assert quick.return_sequences
    quick.build((None, None, WIDTH))
    assert [weight.name for weight in quick.weights] == [weight.name for weight in layer.weights]
