"""Saturation against NumPy, for all registered models; what is reported of a plug-in's; when a run reports it."""

import math
from pathlib import Path

import numpy as np
import pytest

from rnnbench import registry
from rnnbench.events import Measured
from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.tasks.stream import joined
from rnnbench.training import run as training
from rnnbench.training.network import build, cells
from rnnbench.training.probes.diagnostics import Diagnostics
from rnnbench.training.probes.norms import GradientNorms
from rnnbench.training.probes.saturation import time_constants
from tests.training.probes.minimal import Minimal
from tests.training.probes.test_gradient_probe import CELLS, TASK, gru_step, lstm_step, sigmoid, simple_rnn_step
from tests.training.test_run import specs


def saturation_by_numpy(name, weights, inputs):
    """Shares over all steps of a numpy cell that is stepped through time."""
    kernel, recurrent, bias = (np.asarray(weight, np.float64) for weight in weights)
    h = c = np.zeros((len(inputs), recurrent.shape[0]))
    seen = {}
    for t in range(inputs.shape[1]):
        x = inputs[:, t].astype(np.float64)
        if name == "simple_rnn":
            (h,) = simple_rnn_step(x, (h,), kernel, recurrent, bias)
            values = {"tanh/state": h}
        elif name == "lstm":
            i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
            h, c = lstm_step(x, (h, c), kernel, recurrent, bias)
            values = {"input": sigmoid(i), "forget": sigmoid(f), "output": sigmoid(o), "tanh/candidate": np.tanh(g),
                      "tanh/cell": np.tanh(c)}  # fmt: skip
        else:
            xz, xr, xh = np.split(x @ kernel + bias[0], 3, axis=-1)
            hz, hr, hh = np.split(h @ recurrent + bias[1], 3, axis=-1)
            reset = sigmoid(xr + hr)
            values = {"update": sigmoid(xz + hz), "reset": reset, "tanh/candidate": np.tanh(xh + reset * hh)}
            (h,) = gru_step(x, (h,), kernel, recurrent, bias)
        for key, value in values.items():
            seen.setdefault(key, []).append(value)
    shares = {}
    for key, values in seen.items():
        if key.startswith("tanh/"):
            shares[f"saturation/{key}"] = np.mean(np.abs(values) > 0.8)
        else:
            shares[f"saturation/closed/{key}"] = np.mean(np.array(values) < 0.1)
            shares[f"saturation/open/{key}"] = np.mean(np.array(values) > 0.9)
    return shares


def probed(task, examples):
    return joined(task.split("validation")).rows(slice(examples))


@pytest.mark.parametrize("name", CELLS)
def test_saturation_is_that_of_every_gate_and_step(name):
    model = CELLS[name][0]
    network = build(TASK, model, seed=1)
    network.set_weights([5 * weight for weight in network.get_weights()])
    stream = probed(TASK, 8)
    found = Diagnostics(model, network).measure(stream)
    expected = saturation_by_numpy(name, network.get_weights()[:3], stream.features)
    shares = {key: value for key, value in found.items() if key.startswith("saturation/")}
    assert shares == pytest.approx(expected, abs=1e-6)
    assert min(max(expected.values()), max(shares.values())) > 0.1  # the case says something


@pytest.mark.parametrize(
    ("model", "gate", "steps"),
    [
        (LSTM(units=5, forget_bias=3.0), "forget", -1 / math.log(sigmoid(3.0))),
        (GRU(units=5, forget_bias=2.0), "update", -1 / math.log(sigmoid(2.0))),
    ],
)
def test_a_gate_that_keeps_the_state_has_a_time_constant(model, gate, steps):
    """With no weights but its bias it is the same everywhere."""
    network = build(TASK, model, seed=0)
    network.set_weights([weight if weight.ndim == 1 or weight.shape[0] == 2 else 0 * weight
                         for weight in network.get_weights()])  # fmt: skip
    found = Diagnostics(model, network).measure(probed(TASK, 4))
    of_gate = {name: value for name, value in found.items() if name.startswith("time_constant/")}
    assert of_gate == pytest.approx({f"time_constant/{gate}/{name}": steps for name in ("p10", "median", "p90")}, 1e-4)


def test_time_constants_are_quantiles_over_a_gates_values():
    gates = np.exp(-1 / np.arange(1, 102, dtype=float))
    assert time_constants(gates) == pytest.approx({"p10": 11, "median": 51, "p90": 91})
    assert time_constants(np.ones(3))["median"] == math.inf
    assert time_constants(np.zeros(3))["median"] == 0


def test_diagnostics_follow_the_weights_and_stacked_layers():
    model = GRU(units=4, layers=2)
    network = build(TASK, model, seed=0)
    diagnostics, stream = Diagnostics(model, network), probed(TASK, 4)
    before = diagnostics.measure(stream)
    kernels = [cell.recurrent_kernel for cell in cells(network)]
    kernels[1].assign(3 * np.array(kernels[1]))
    after = diagnostics.measure(stream)
    for gate, block in zip(model.gate_names, np.split(np.array(kernels[1], np.float64), 3, axis=1), strict=True):
        assert after[f"recurrent_kernel/sigma_max/{gate}"] == pytest.approx(np.linalg.norm(block, 2))
        assert before[f"recurrent_kernel/sigma_max/{gate}"] < after[f"recurrent_kernel/sigma_max/{gate}"]


def test_a_model_that_names_no_gates_reports_what_it_has():
    model = Minimal(units=4)
    found = Diagnostics(model, build(TASK, model, 0)).measure(probed(TASK, 4))
    assert found == {}  # a kernel of three unnamed blocks has no spectrum


def test_a_plug_ins_own_cell_reports_the_weights_that_it_has():
    registry.load_plugins([str(Path(__file__).parents[2] / "plugins" / "troubled.py")])
    model = registry.models["leaky"](units=4)
    network = build(TASK, model, seed=0)
    assert GradientNorms(network, model).names == ["kernel/all"]
    assert Diagnostics(model, network).measure(probed(TASK, 4)) == {}


def test_a_run_reports_them_at_the_probes_and_norms_at_every_evaluation():
    (spec,) = specs(model="lstm")
    measured = [event for event in training.run(spec) if isinstance(event, Measured)]
    spectral = [event.step for event in measured if "recurrent_kernel/spectral_radius/forget" in event.metrics]
    assert spectral == [0, 10, 20, 25]
    assert [event.step for event in measured if "time_constant/forget/median" in event.metrics] == spectral
    assert [event.step for event in measured if "gradient_share/evidence" in event.metrics] == spectral
    assert [event.step for event in measured if "saturation/open/forget" in event.metrics] == spectral
    norms = [event for event in measured if "gradient_norm/recurrent_kernel/forget" in event.metrics]
    assert [event.step for event in norms] == [10, 20, 25]
    for event in norms:
        parts = [event.metrics[f"gradient_norm/{weight}/all"] for weight in ("kernel", "recurrent_kernel", "bias")]
        assert all(0 < part < event.metrics["gradient_norm/max"] for part in parts)


def test_tokens_are_embedded_first():
    task = registry.tasks["sentiment"](lag=3, source="synthetic", evidence=5, vocabulary=100)
    model = SimpleRNN(units=4)
    network = build(task, model, seed=0)
    network.set_weights([20 * weight for weight in network.get_weights()])
    stream = probed(task, 4)
    embedded = np.concatenate([stream.features, network.get_layer("embedding")(stream.tokens)], axis=-1)
    weights = [np.array(weight) for weight in network.get_layer("layer_0").cell.weights]
    found = Diagnostics(model, network).measure(stream)
    assert found["saturation/tanh/state"] == pytest.approx(
        saturation_by_numpy("simple_rnn", weights, embedded)["saturation/tanh/state"]
    )
