"""Every registered model keeps the contract; sizes and initialisations are the published ones."""

import numpy as np
import pytest
import tensorflow as tf

from rnnbench import registry
from rnnbench.checks.contracts import check_model
from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.models.sizing import STATE, recurrent_parameters, units_for_budget
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build

TASK = CopyMemory(lag=98, symbols=1)


def cell_of(model, seed=0):
    return build(TASK, model, seed).get_layer("layer_0").cell


@pytest.mark.parametrize("name", sorted(registry.models))
def test_contract(name):
    check_model(registry.models[name])


def test_parameter_counts_of_equal_budgets():
    counts = [LSTM(units=128), GRU(units=148), SimpleRNN(units=257)]
    assert [model.parameters(2) for model in counts] == [67_072, 67_488, 66_820]


def test_match_by_parameters_finds_the_nearest_units():
    assert [units_for_budget(model, recurrent_parameters(2), 67_072) for model in (LSTM(), GRU(), SimpleRNN())] == [
        128,
        148,
        257,
    ]
    assert units_for_budget(SimpleRNN(layers=2), recurrent_parameters(2), 1) == 1
    for budget in (100, 1000, 12_345):
        for model in (LSTM(), GRU(layers=3), SimpleRNN()):
            best = units_for_budget(model, recurrent_parameters(5), budget)
            gaps = {
                units: abs(model.model_copy(update={"units": units}).parameters(5) - budget)
                for units in range(max(1, best - 3), best + 4)
            }
            assert gaps[best] == min(gaps.values())


def test_match_by_state_finds_the_nearest_units():
    assert [units_for_budget(model, STATE, 128) for model in (LSTM(), GRU(), SimpleRNN())] == [64, 128, 128]
    assert [units_for_budget(registry.models[name](), STATE, 128) for name in ("lru", "cornn", "indrnn")] == [
        64,
        64,
        128,
    ]
    assert units_for_budget(LSTM(layers=3), STATE, 100) == 17


def test_default_initialisation_is_that_of_keras():
    for model, blocks in ((SimpleRNN(units=32), 1), (LSTM(units=32), 4), (GRU(units=32), 3)):
        recurrent = np.array(cell_of(model).recurrent_kernel)
        assert recurrent.shape == (32, blocks * 32)
        np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(32), atol=1e-5)
    bias = np.array(cell_of(LSTM(units=3)).bias)
    assert bias.tolist() == [0] * 3 + [1] * 3 + [0] * 6
    assert not np.array(cell_of(GRU(units=3)).bias).any()


def test_building_a_network_does_not_seed_tensorflow():
    """TensorFlow would drop all functions that the process has set up, and set them up again in every run."""
    tf.random.set_seed(1)
    expected = tf.random.uniform((2,)), tf.random.uniform((2,))
    tf.random.set_seed(1)
    first = tf.random.uniform((2,))
    build(TASK, LSTM(units=4), seed=5)
    np.testing.assert_array_equal((first, tf.random.uniform((2,))), expected)


def test_forget_bias():
    bias = np.array(cell_of(LSTM(units=2, forget_bias=0.0)).bias)
    assert not bias.any()
    bias = np.array(cell_of(GRU(units=2, forget_bias=2.5)).bias)
    assert bias.tolist() == [[2.5, 2.5, 0, 0, 0, 0], [0] * 6]


@pytest.mark.parametrize(
    "model", [LSTM(units=16, initialization="orthogonal"), GRU(units=16, initialization="orthogonal")]
)
def test_orthogonal_blocks(model):
    for block in np.split(np.array(cell_of(model).recurrent_kernel), model.kernel_blocks, axis=1):
        np.testing.assert_allclose(block @ block.T, np.eye(16), atol=1e-5)


def test_identity_keeps_what_a_rectified_unit_holds():
    cell = cell_of(SimpleRNN(units=5, initialization="identity", activation="relu"))
    assert np.array_equal(cell.recurrent_kernel, np.eye(5))
    assert not np.array(cell.bias).any()
    held = np.array([[0.0, 0.5, 1.0, 7.0, 100.0]], dtype=np.float32)
    state = held
    for _ in range(50):
        state, _ = cell(np.zeros((1, TASK.ports.width), np.float32), [state])
    np.testing.assert_array_equal(state, held)


def test_identity_may_stay_bounded():
    network = build(TASK, SimpleRNN(units=5, initialization="identity"), 0)
    cell = network.get_layer("layer_0").cell
    assert np.array_equal(cell.recurrent_kernel, np.eye(5))
    assert cell.activation.__name__ == "tanh"


def test_the_initialisation_of_one_model_leaves_its_other_weights_to_keras():
    default, identity = (build(TASK, SimpleRNN(units=5, initialization=name), 3) for name in ("default", "identity"))
    for a, b in zip(default.weights, identity.weights, strict=True):
        assert np.array_equal(a, b) == ("recurrent_kernel" not in a.path)


def test_chrono_spreads_over_the_length_of_the_sequences():
    bias = np.array(cell_of(LSTM(units=400, initialization="chrono")).bias)
    input_gate, forget_gate, candidate, output_gate = np.split(bias, 4)
    spans = np.exp(forget_gate)
    assert TASK.layout.length == 100
    assert spans.min() >= 1
    assert 96 < spans.max() <= 99
    assert spans.mean() == pytest.approx(50, abs=5)  # uniform on [1, 99]
    np.testing.assert_array_equal(input_gate, -forget_gate)
    assert not candidate.any()
    assert not output_gate.any()

    update_gate = np.array(cell_of(GRU(units=400, initialization="chrono", chrono_max=11)).bias)[0, :400]
    assert 9.7 < np.exp(update_gate).max() <= 10


def test_chrono_depends_on_the_seed():
    model = LSTM(units=8, initialization="chrono")
    assert not np.array_equal(cell_of(model, 0).bias, cell_of(model, 1).bias)


def test_families():
    """A plug-in's class is not of ours, whatever it inherits from."""
    assert {name: registry.models[name].family for name in ("gru", "lru", "tcn")} == {
        "gru": "core", "lru": "cell", "tcn": "baseline",
    }  # fmt: skip

    class Theirs(LSTM):
        pass

    class Grouped(LSTM):
        family = "ours"

    assert (Theirs.family, Grouped.family) == ("yours", "ours")


def test_the_contract_finds_a_state_of_another_size():
    class Miscounted(LSTM):
        states = 1

    with pytest.raises(AssertionError, match="state_size says 5, the states of the network have 10 numbers"):
        check_model(Miscounted)


def test_the_contract_finds_gates_that_do_not_fit_the_cell():
    class Misnamed(LSTM):
        gate_names = ("input", "forget", "output")

    with pytest.raises(AssertionError, match="one for each block"):
        check_model(Misnamed)

    class Unnamed(GRU):
        gate_names = ()

    with pytest.raises(AssertionError, match="by its name among gate_names"):
        check_model(Unnamed)
