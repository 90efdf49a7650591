"""A run says whether its gradient profile holds all that flows back, and the report says so in words."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from rnnbench import RNNModel, registry
from rnnbench.events import Measured, Warned
from rnnbench.experiment.definition import Experiment
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build
from rnnbench.training.probes.tapped_states import discrepancy, hold_the_past
from rnnbench.training.run import run


class Remembering(keras.layers.SimpleRNNCell):
    """Adds a variable to its state, and writes the state into it."""

    def build(self, input_shape):
        super().build(input_shape)
        self.kept = self.add_weight(shape=(self.units,), initializer="zeros", trainable=False, name="kept")

    def call(self, inputs, states, training=False):
        h, _ = super().call(inputs, states)
        h = h + self.kept
        self.kept.assign(0.5 * ops.mean(h, axis=0))
        return h, [h]


class Hidden(RNNModel):
    def cell(self):
        return Remembering(self.units)

    def layer_parameters(self, inputs):
        return self.units * (inputs + self.units + 1)


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setitem(registry.models._things, "hidden", Hidden)
    monkeypatch.setitem(registry.models._names, Hidden, "hidden")
    return "hidden"


def events(model):
    (spec,) = Experiment(
        name="n",
        tasks={"copy_memory": {"lag": 3, "symbols": 1, "examples": 20}},
        models={model: {"units": 4}},
        training={"steps": 4, "batch_size": 4, "evaluate_every": 2},
        gradients={"examples": 4},
    ).runs
    return list(run(spec))


def marks(said):
    return [(event.step, event.metrics["gradient_profile/sound"]) for event in said
            if isinstance(event, Measured) and "gradient_profile/sound" in event.metrics]  # fmt: skip


def test_a_run_of_a_hidden_memory_is_marked_at_both_ends(model):
    said = events(model)
    assert marks(said) == [(0, 0.0), (5, 0.0)]
    (warning,) = [event for event in said if isinstance(event, Warned)]
    assert "its gradient profile is unsound" in warning.message


def test_a_sound_run_carries_no_mark():
    said = events("gru")
    assert marks(said) == []
    assert not [event for event in said if isinstance(event, Warned)]


@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru"])
@pytest.mark.parametrize("layers", ["fast", "stock"])
def test_the_states_of_the_suites_models_hold_the_past_at_any_weights(name, layers):
    task = CopyMemory(lag=30, symbols=3)
    network = build(task, registry.models[name](units=9, layers=2), 0, implementation=layers)
    (stream,) = task.split("validation")
    for scale in (1, 4):
        network.set_weights([scale * weight for weight in network.get_weights()])
        assert discrepancy(network, stream) < 1e-5


def test_weights_that_are_not_finite_say_nothing():
    task = CopyMemory(lag=3, symbols=1)
    network = build(task, registry.models["gru"](units=3), 0)
    network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
    assert hold_the_past(network, next(task.split("validation")))
