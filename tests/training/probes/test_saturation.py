"""Norms by weight, spectra and saturation against numpy, for all registered models and for a plug-in's."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnbench import registry
from rnnbench.events import Measured
from rnnbench.models.base import Model
from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.training import run as training
from rnnbench.training.network import build
from rnnbench.training.probes.saturation import Diagnostics, GradientNorms, spectra
from tests.training.probes.test_gradient_probe import CELLS, TASK, gru_step, lstm_step, sigmoid, simple_rnn_step
from tests.training.test_run import specs


class Minimal(Model):
    """A plug-in that says nothing about itself: its kernel's blocks have no names, its gates are unknown."""

    def recurrent_layer(self, **kwargs):
        return keras.layers.GRU(self.units, **kwargs)

    def layer_parameters(self, inputs):
        return 3 * (self.units * (inputs + self.units) + 2 * self.units)


def gradients_of(network, seed=0):
    inputs, targets = TASK.train_batch(seed, 0, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(TASK.loss(targets, network(inputs)))
    return tape.gradient(loss, network.trainable_variables)


@pytest.mark.parametrize("model", [SimpleRNN(units=4), LSTM(units=4), GRU(units=4, layers=2), Minimal(units=4)])
def test_norms_by_weight_and_gate(model):
    network = build(TASK, model, seed=0)
    norms, gradients = GradientNorms(network, model), gradients_of(network)
    whole, *by_weight = norms(gradients).numpy()
    found = dict(zip(norms.names, by_weight, strict=True))
    assert whole == pytest.approx(np.sqrt(sum((g.numpy() ** 2).sum() for g in gradients)), rel=1e-5)
    paths = [variable.path.split("/")[-1] for variable in network.trainable_variables[:-2]]  # without the head
    gates = model.gate_names
    assert set(found) == {f"{weight}/{part}" for weight in set(paths) for part in ("all", *gates)}
    for weight in set(paths):
        own = [g.numpy() for g, path in zip(gradients, paths, strict=False) if path == weight]
        assert found[f"{weight}/all"] == pytest.approx(np.sqrt(sum((g**2).sum() for g in own)), rel=1e-5)
        for at, gate in enumerate(gates):
            columns = [np.split(g, len(gates), axis=-1)[at] for g in own]
            assert found[f"{weight}/{gate}"] == pytest.approx(np.sqrt(sum((g**2).sum() for g in columns)), rel=1e-5)


def test_a_cell_without_such_weights_has_no_such_norms():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    norms = GradientNorms(network, SimpleRNN())
    assert norms.names == []
    assert norms([tf.fill((2, 1), 3.0), tf.fill((1,), 4.0)]).numpy() == pytest.approx([34**0.5])


def test_spectra_by_hand():
    shear = np.array([[0.0, 4.0], [1.0, 0.0]])  # eigenvalues +-2, singular values 4 and 1
    turn = 0.5 * np.array([[0.0, -1.0], [1.0, 0.0]])
    assert spectra(shear) == pytest.approx({"sigma_max/all": 4.0, "spectral_radius/all": 2.0}, abs=1e-12)
    both = spectra(np.concatenate([shear, turn], axis=1), ["a", "b"])
    assert both == pytest.approx(
        {"sigma_max/a": 4.0, "spectral_radius/a": 2.0, "sigma_max/b": 0.5, "spectral_radius/b": 0.5}, abs=1e-12
    )
    assert spectra(np.full((2, 2), np.nan)) == {}
    assert spectra(np.ones((2, 6))) == {}


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


@pytest.mark.parametrize("name", CELLS)
def test_saturation_is_that_of_every_gate_and_step(name):
    model = CELLS[name][0]
    network = build(TASK, model, seed=1)
    network.set_weights([5 * weight for weight in network.get_weights()])
    inputs = TASK.split("validation")[0][:8]
    found = Diagnostics(TASK, model, network).measure(inputs)
    expected = saturation_by_numpy(name, network.get_weights()[:3], inputs)
    shares = {key: value for key, value in found.items() if key.startswith("saturation/")}
    assert shares == pytest.approx(expected, abs=1e-6)
    assert min(max(expected.values()), max(shares.values())) > 0.1  # the case says something


def test_diagnostics_follow_the_weights_and_stacked_layers():
    model = GRU(units=4, layers=2)
    network = build(TASK, model, seed=0)
    diagnostics, inputs = Diagnostics(TASK, model, network), TASK.split("validation")[0][:4]
    before = diagnostics.measure(inputs)
    kernels = [layer.cell.recurrent_kernel for layer in network.layers if layer.name.startswith("recurrent")]
    kernels[1].assign(3 * np.array(kernels[1]))
    after = diagnostics.measure(inputs)
    for gate, block in zip(model.gate_names, np.split(np.array(kernels[1], np.float64), 3, axis=1), strict=True):
        assert after[f"recurrent_kernel/sigma_max/{gate}"] == pytest.approx(np.linalg.norm(block, 2))
        assert before[f"recurrent_kernel/sigma_max/{gate}"] < after[f"recurrent_kernel/sigma_max/{gate}"]


def test_a_model_that_names_no_gates_reports_what_it_has():
    model = Minimal(units=4)
    found = Diagnostics(TASK, model, build(TASK, model, 0)).measure(TASK.split("validation")[0][:4])
    assert found == {}  # a kernel of three unnamed blocks has no spectrum


def test_a_plug_ins_own_cell_reports_the_weights_that_it_has():
    registry.load_plugins([str(Path(__file__).parents[2] / "plugins" / "troubled.py")])
    model = registry.models["leaky"](units=4)
    network = build(TASK, model, seed=0)
    assert GradientNorms(network, model).names == ["kernel/all"]
    assert Diagnostics(TASK, model, network).measure(TASK.split("validation")[0][:4]) == {}


def test_a_run_reports_them_at_the_probes_and_norms_at_every_evaluation():
    (spec,) = specs(model="lstm")
    measured = [event for event in training.run(spec) if isinstance(event, Measured)]
    spectral = [event.step for event in measured if "recurrent_kernel/spectral_radius/forget" in event.metrics]
    assert spectral == [0, 20, 25]
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
    inputs = task.split("validation")[0][:4]
    embedded = np.array(network.get_layer("embedding")(inputs))
    weights = [np.array(weight) for weight in network.get_layer("recurrent_0").cell.weights]
    found = Diagnostics(task, model, network).measure(inputs)
    assert found["saturation/tanh/state"] == pytest.approx(
        saturation_by_numpy("simple_rnn", weights, embedded)["saturation/tanh/state"]
    )
