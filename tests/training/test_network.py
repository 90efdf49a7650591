"""The network around a model's layers: what it reads, where it answers, and with which weights it begins."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.events import Finished, Measured, Profiled, Warned
from rnnbench.experiment.definition import Experiment
from rnnbench.layers import has_fast_loop
from rnnbench.models.base import Model
from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.sentiment import Sentiment
from rnnbench.training.network import build, cells, first_layer_inputs, model_layers, network_inputs, takes_steps
from rnnbench.training.run import run
from tests.tasks.lookup import Lookup
from tests.tasks.test_base import KINDS, made
from tests.training.convolved import Convolved, by_numpy

END, EVERY = CopyMemory(lag=3, symbols=2), CopyMemory(lag=3, symbols=2, objective="all")
LAST, GIVEN = Adding(lag=3, evidence=4), Lookup(lag=3)
WORDS = Sentiment(lag=3, source="synthetic", vocabulary=100, evidence=5, embedding=6)
TASKS = {"end": END, "last step": LAST, "every step": EVERY, "given": GIVEN, "tokens": WORDS}
MODELS = [GRU(units=4, layers=2), LSTM(units=3), Convolved(units=4, layers=2)]


def read_by_numpy(task, states, stream):
    """The states of the steps that are read, one by one."""
    steps = {
        "end": lambda _: range(stream.steps - task.layout.readout, stream.steps),
        "every step": lambda _: range(stream.steps),
        "given": lambda example: stream.readout[example],
    }[task.reads]
    return np.stack([np.stack([states[n, t] for t in steps(n)]) for n in range(stream.examples)])


def states_of(model, network, features):
    """States of the last layer at every step, from layers that return them all and have the network's weights."""
    for own in model_layers(network):
        layer = model.layer(own.name)
        layer.build(features.shape)
        layer.set_weights(own.get_weights())
        features = np.asarray(layer(features))
    return features


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("kind", TASKS)
def test_the_head_answers_at_the_steps_that_are_read(kind, model):
    task = TASKS[kind]
    network, stream = build(task, model, 0), task.train_batch(0, 0, 5)
    states = states_of(model, network, np.asarray(first_layer_inputs(network, stream)))
    kernel, bias = network.get_layer("head").get_weights()
    expected = read_by_numpy(task, states, stream) @ kernel + bias
    found = np.asarray(network(network_inputs(stream)))
    assert found.shape == (5, stream.targets.shape[1], task.outputs)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert network.count_params() == model.parameters(task.ports.width) + sum(
        weights.size for weights in (kernel, bias)
    ) + task.ports.vocabulary * task.ports.embedding  # fmt: skip


def test_the_head_is_computed_nowhere_else():
    """At the end of long sequences that is where most of the time would go."""
    for kind, read in (("last step", (5, 4)), ("end", (5, 2, 4)), ("every step", (5, 7, 4)), ("given", (5, 2, 4))):
        network, stream = build(TASKS[kind], GRU(units=4), 0), TASKS[kind].train_batch(0, 0, 5)
        inputs = network.inputs if len(network.inputs) > 1 else network.inputs[0]
        states = keras.Model(inputs, network.get_layer("head").input)(network_inputs(stream))
        assert states.shape == read


@pytest.mark.parametrize("task", [END, LAST, EVERY, GIVEN], ids=["end", "last step", "every step", "given"])
def test_length_and_batch_are_free(task):
    network = build(task, GRU(units=4), 0)
    for lag, size in ((3, 2), (11, 5)):
        stream = task.at_lag(lag).train_batch(0, 0, size)
        assert network(network_inputs(stream)).shape == (size, stream.targets.shape[1], task.outputs)


def test_features_and_tokens_are_read_beside_each_other():
    network, stream = build(GIVEN, SimpleRNN(units=4), 0), GIVEN.train_batch(0, 0, 5)
    assert [one.name for one in network.inputs] == ["features", "tokens", "readout"]
    features, tokens, readout = network_inputs(stream)
    assert features is stream.features
    assert tokens is stream.tokens
    assert readout is stream.readout
    (table,) = network.get_layer("embedding").get_weights()
    assert table.shape == (5, 3)
    expected = np.concatenate([stream.features, table[stream.tokens]], axis=-1)
    assert expected.shape == (5, GIVEN.layout.length, GIVEN.ports.width)
    np.testing.assert_array_equal(first_layer_inputs(network, stream), expected)
    assert model_layers(network)[0].get_weights()[0].shape == (GIVEN.ports.width, 4)
    for part, changed in (("features", stream.features + 1), ("tokens", (stream.tokens + 1) % 5)):
        other = network(network_inputs(stream._replace(**{part: changed})))
        assert np.abs(np.asarray(other) - network(network_inputs(stream))).min() > 0


def test_one_kind_of_inputs_is_given_alone():
    stream = END.train_batch(0, 0, 2)
    assert network_inputs(stream) is stream.features
    assert [one.name for one in build(END, SimpleRNN(units=2), 0).inputs] == ["features"]


STOCK = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@pytest.mark.parametrize("name", STOCK)
@pytest.mark.parametrize("kind", ["end", "tokens"])
def test_the_initial_weights_are_those_of_stock_keras_for_the_seed(kind, name):
    task, model = TASKS[kind], registry.models[name](units=4, layers=2)
    network = build(task, model, 7)
    random.seed(7)
    if task.ports.vocabulary:
        inputs = [keras.Input((None, 1)), keras.Input((None,), dtype="int32")]
        states = keras.layers.Concatenate()([inputs[0], keras.layers.Embedding(102, 6)(inputs[1])])
    else:
        inputs = states = keras.Input((None, task.ports.features))
    for _ in range(2):
        states = STOCK[name](4, return_sequences=True)(states)
    stock = keras.Model(inputs, keras.layers.Dense(task.outputs)(states))
    for found, expected in zip(network.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    for found, other in zip(network.get_weights(), build(task, model, 8).get_weights(), strict=True):
        # Biases are the same for every seed.
        assert np.array_equal(found, other) == (len(np.unique(found)) < 3)


def test_a_convolution_over_the_past_is_a_model():
    model, stream = Convolved(units=4, layers=2), END.train_batch(0, 0, 3)
    network = build(END, model, 0)
    first, first_bias, second, second_bias, kernel, bias = network.get_weights()
    states = by_numpy(by_numpy(stream.features, first, first_bias), second, second_bias)
    np.testing.assert_allclose(network(stream.features), states[:, -2:] @ kernel + bias, atol=1e-6)
    assert len(model_layers(network)) == 2
    assert cells(network) == []


class Together(Convolved):
    """All its layers in one."""

    @property
    def depth(self) -> int:
        return 1

    def layer(self, name):
        return keras.Sequential([Convolved.layer(self, f"part_{at}") for at in range(self.layers)], name=name)

    def layer_parameters(self, inputs):
        return Convolved.layer_parameters(self, inputs) + (self.layers - 1) * Convolved.layer_parameters(
            self, self.units
        )


def test_a_model_may_stack_its_layers_itself():
    network = build(END, Together(units=4, layers=3), 0)
    assert [layer.name for layer in model_layers(network)] == ["layer_0"]
    kernel, bias = network.get_layer("head").get_weights()
    size = network.count_params() - kernel.size - bias.size
    assert size == Together(units=4, layers=3).parameters(END.ports.width)
    assert size == Convolved(units=4, layers=3).parameters(END.ports.width)


@pytest.mark.parametrize("implementation", ["fast", "stock"])
def test_a_run_of_a_model_without_a_state(monkeypatch, implementation):
    """It trains, and is probed at its input; the probe holds all that flows back."""
    monkeypatch.setitem(registry.models._things, "convolved", Convolved)
    monkeypatch.setitem(registry.models._names, Convolved, "convolved")
    (spec,) = Experiment(
        name="n",
        tasks={"copy_memory": {"lag": 1, "symbols": 1, "alphabet": 2, "examples": 20}},
        models={"convolved": {"units": 8}},
        training={"steps": 60, "batch_size": 16, "evaluate_every": 20, "learning_rate": 0.03,
                  "implementation": implementation},
        gradients={"examples": 4},
    ).runs  # fmt: skip
    events = list(run(spec))
    assert isinstance(events[-1], Finished)
    assert events[-1].metrics["score"] == 1
    assert not [event for event in events if isinstance(event, Warned)]
    names = {name for event in events if isinstance(event, Measured) for name in event.metrics}
    assert "gradient_profile/survival" in names
    assert not {name for name in names if name.startswith(("saturation/", "gradient_profile/sound"))}
    for profile in (event for event in events if isinstance(event, Profiled)):
        assert set(profile.columns["state"]) == {"x"}
        assert max(profile.columns["median"]) > 0


class BothWays(Model):
    """Reads the future as well as the past."""

    def layer(self, name):
        inner = keras.layers.GRU(self.units, return_sequences=True)
        return keras.layers.Bidirectional(inner, merge_mode="sum", name=name)

    def layer_parameters(self, inputs):
        return 2 * 3 * (self.units * (inputs + self.units) + 2 * self.units)


class Backwards(Model):
    """Reads the future alone."""

    def layer(self, name):
        return keras.layers.GRU(self.units, return_sequences=True, go_backwards=True, name=name)

    def layer_parameters(self, inputs):
        return 3 * (self.units * (inputs + self.units) + 2 * self.units)


@pytest.mark.parametrize(("model", "layer"), [(BothWays(units=3), "Bidirectional"), (Backwards(units=3), "GRU")])
def test_a_layer_that_reads_later_steps_is_refused(model, layer):
    with pytest.raises(UserError, match=rf"^{type(model).__name__}: its {layer} reads later steps too") as error:
        build(END, model, 0)
    assert "\n" not in str(error.value)


def test_a_task_may_allow_it():
    class Labels(CopyMemory):
        allows_lookahead = True

    model = BothWays(units=3)
    network = build(Labels(lag=3, symbols=2), model, 0)
    stream = END.train_batch(0, 0, 4)
    assert network(network_inputs(stream)).shape == (4, 2, 9)
    assert len(model_layers(network)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "model", [SimpleRNN(units=2), GRU(units=2, layers=2), LSTM(units=2, dropout=0.1, recurrent_dropout=0.2)]
)
def test_no_task_takes_the_stock_loop(kind, model):
    """A layer whose call does, for a mask or anything else, refuses the number of steps."""
    network = build(made(kind, lag=20), model, 0, implementation="fast", buffer=True)
    assert all(map(has_fast_loop, model_layers(network)))
    assert takes_steps(model)
