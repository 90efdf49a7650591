"""Taps on the input of a model without a state, against finite differences in NumPy; which signals are tapped."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build, first_layer_inputs
from rnnbench.training.probes.gradient_probe import GradientProbe
from rnnbench.training.probes.taps import tap_widths
from tests.tasks.lookup import Lookup
from tests.training.convolved import WIDTH, Convolved, by_numpy

STEP = 1e-6
RECALL, EVERY = CopyMemory(lag=4, symbols=2), CopyMemory(lag=4, symbols=2, objective="all")
LOOKUP = Lookup(lag=4)
TASKS = {"end": RECALL, "every step": EVERY, "given": LOOKUP}


def losses(task, stream, weights, inputs):
    """Of each example, over the steps that are scored, from the inputs of the lowest layer in float64."""
    *layers, kernel, bias = weights
    for at in range(0, len(layers), 2):
        inputs = by_numpy(inputs, layers[at], layers[at + 1])
    if task is LOOKUP:
        read = np.take_along_axis(inputs, stream.readout[..., None], axis=1)
        targets, share = stream.targets, stream.weights
    else:
        read, targets, share = inputs[:, -2:], stream.targets[:, -2:], np.ones((stream.examples, 2))
    each = -np.take_along_axis(log_softmax(read @ kernel + bias, -1), targets[..., None], -1)[..., 0]
    return np.average(each, axis=1, weights=share)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", TASKS)
def test_the_tap_of_an_input_is_the_total_derivative(kind, layers):
    task, model = TASKS[kind], Convolved(units=4, layers=layers)
    network, probe, stream = build(task, model, 3), GradientProbe(task, model), task.train_batch(0, 0, 3)
    probe.load(network.get_weights())
    weights = [np.asarray(weight, np.float64) for weight in network.get_weights()][-2 * layers - 2 :]
    inputs = np.asarray(first_layer_inputs(network, stream), np.float64)
    assert probe.width == inputs.shape[-1] == task.ports.width
    found = probe.gradient(stream)
    expected = np.zeros_like(found)
    for step in range(inputs.shape[1]):
        for unit in range(inputs.shape[2]):
            shift = np.zeros_like(inputs)
            shift[:, step, unit] = STEP
            ahead, behind = (losses(task, stream, weights, inputs + sign * shift) for sign in (1, -1))
            expected[:, step, unit] = (ahead - behind) / (2 * STEP)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert np.abs(expected).max() > 1e-3
    assert list(probe.by_state(found)) == ["x"]
    np.testing.assert_array_equal(probe.by_state(found)["x"], found)


@pytest.mark.parametrize("layers", [1, 2])
def test_nothing_flows_back_further_than_the_layers_read(layers):
    model, stream = Convolved(units=4, layers=layers), RECALL.train_batch(0, 0, 3)
    probe = GradientProbe(RECALL, model)
    probe.load(build(RECALL, model, 0).get_weights())
    norms = np.linalg.norm(probe.gradient(stream), axis=-1)
    first = RECALL.layout.first_readout - layers * (WIDTH - 1)
    assert not norms[:, :first].any()
    assert (norms[:, first:] > 0).all()


def test_the_profile_of_an_input_begins_at_the_first_scored_step():
    model, stream = Convolved(units=4), LOOKUP.train_batch(0, 0, 6)
    probe = GradientProbe(LOOKUP, model)
    probe.load(build(LOOKUP, model, 0).get_weights())
    profile = probe.profile(LOOKUP.layout, stream)
    assert profile.headline == "x"
    norms = np.linalg.norm(probe.gradient(stream), axis=-1)
    first = stream.readout[:, 0]
    assert len(set(first)) > 1
    for example, step in enumerate(first):
        np.testing.assert_allclose(profile.norms["x"][example, : step + 1], norms[example, step::-1])
        assert profile.exists[example].sum() == step + 1
    assert np.isfinite(profile.median()).all()


@pytest.mark.parametrize("model", [GRU(units=3), LSTM(units=2, layers=2)], ids=["gru", "lstm"])
@pytest.mark.parametrize("kind", TASKS)
def test_taps_of_states_are_derivatives_wherever_the_task_reads(kind, model):
    """Finite differences of the tapped network's own answers."""
    task = TASKS[kind]
    probe, stream = GradientProbe(task, model), task.train_batch(0, 0, 3)
    probe.load(build(task, model, 3).get_weights())
    found = probe.gradient(stream)
    assert found.shape == (3, stream.steps, probe.width)
    # Every place in both directions, and every example there, are the examples of one batch.
    places = stream.steps * probe.width
    shifts = STEP * np.eye(places).reshape(places, 1, 1, stream.steps, probe.width)
    taps = np.tile(shifts * np.array([1, -1])[:, None, None, None], (1, 1, 3, 1, 1))
    many = stream.rows(np.tile(np.arange(3), 2 * places))
    shifted = probe.losses(many, probe.outputs(many, taps.reshape(len(many.targets), stream.steps, probe.width)))
    ahead, behind = np.moveaxis(shifted.reshape(places, 2, 3), 1, 0)
    expected = ((ahead - behind) / (2 * STEP)).T.reshape(found.shape)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert np.abs(expected).max() > 1e-3


def test_untapped_answers_are_those_of_the_network():
    for task in TASKS.values():
        for model in (Convolved(units=4, layers=2), GRU(units=3)):
            network, stream = build(task, model, 1), task.train_batch(0, 0, 3)
            probe = GradientProbe(task, model)
            probe.load(network.get_weights())
            answers = probe.outputs(stream, np.zeros((3, stream.steps, probe.width)))
            parts = [part for part in (stream.features, stream.tokens, stream.readout) if part is not None]
            np.testing.assert_allclose(answers, network(parts if len(parts) > 1 else parts[0]), atol=1e-5)


class Three(keras.Layer):
    """A cell of three states."""

    state_size = (2, 3, 4)

    def call(self, inputs, states):
        return inputs, states


def test_the_signals_that_are_tapped():
    assert tap_widths(0, keras.layers.GRU(4), 7) == {"h": 4}
    assert tap_widths(1, keras.layers.LSTM(4), 7) == {"h": 4, "c": 4}
    assert tap_widths(0, keras.layers.RNN(Three()), 7) == {"h": 2, "c": 3, "s2": 4}
    assert tap_widths(0, keras.layers.Conv1D(4, 3), 7) == {"x": 7}
    assert tap_widths(1, keras.layers.Conv1D(4, 3), 7) == {}
