"""A sound model passes every check, and each fault is found by the check that is for it and by no other."""

from __future__ import annotations

from typing import ClassVar

import keras
import numpy as np
import pytest
from keras import ops

from rnnbench import Model
from rnnbench.checks.contracts.check import NotCheckedError, verdicts
from rnnbench.checks.contracts.models import MODEL_CHECKS, Sized, sizes_of_class
from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN

FIXED = np.random.default_rng(3)


def faults(sizes):
    return {verdict.check: verdict.found for verdict in verdicts(MODEL_CHECKS, sizes) if verdict.kept is False}


class Plain(Model):
    """A SimpleRNN; the broken ones differ from it by one fault."""

    def recurrent_layer(self, **kwargs):
        return keras.layers.SimpleRNN(self.units, **kwargs)

    def layer_parameters(self, inputs):
        return self.units * (inputs + self.units + 1)


class Cell(keras.layers.SimpleRNNCell):
    """A cell of one's own over the same weights."""


class FromItsGenerator(Plain):
    def initialize(self, cell, length, rng):
        cell.recurrent_kernel.assign(rng.normal(size=(self.units, self.units)))


class FromNumPys(Plain):
    """Sound in effect: `build` seeds NumPy's own generator by the run's seed."""

    def initialize(self, cell, length, rng):
        cell.bias.assign(np.random.normal(size=self.units))


class Spread(Plain):
    """Many different numbers, none of them drawn."""

    def initialize(self, cell, length, rng):
        cell.bias.assign(np.linspace(-2, 2, self.units))


class TwoMemories(Plain):
    """A cell with two states, of two widths, that answers from both."""

    def recurrent_layer(self, **kwargs):
        return keras.layers.RNN(TwoStates(self.units), **kwargs)

    def layer_parameters(self, inputs):
        return self.units * (inputs + self.units + 1) + 2 * self.units


class TwoStates(Cell):
    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.state_size = [units, 2]

    def build(self, input_shape):
        super().build(input_shape)
        self.read = self.add_weight(shape=(2, self.units), initializer="ones", name="read")

    def call(self, inputs, states, training=False):
        h, _ = super().call(inputs, states[:1])
        slow = 0.9 * states[1] + 0.1 * inputs[:, :2]
        return h + slow @ self.read, [h + slow @ self.read, slow]

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, size), self.compute_dtype) for size in self.state_size]


class NeedsRank(Plain):
    rank: int


class Bidirectional(Plain):
    def recurrent_layer(self, **kwargs):
        name = kwargs.pop("name")
        return keras.layers.Bidirectional(keras.layers.SimpleRNN(self.units, **kwargs), merge_mode="sum", name=name)


class Backwards(Plain):
    def recurrent_layer(self, **kwargs):
        return keras.layers.SimpleRNN(self.units, go_backwards=True, **kwargs)


class SumOfThePast(keras.layers.RNN):
    """Adds the sum of all inputs so far: a second path through time."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        read = ops.cumsum(ops.mean(sequences, axis=2, keepdims=True), axis=1)
        return super().call(sequences, initial_state, mask, training) + (read if self.return_sequences else read[:, -1])


class SecondPath(Plain):
    def recurrent_layer(self, **kwargs):
        return SumOfThePast(Cell(self.units), **kwargs)


class Attending(keras.layers.RNN):
    """Answers at each step with a mean of all states so far, weighted by their likeness to the last."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        states = super().call(sequences, initial_state, mask, training)
        steps = ops.arange(ops.shape(states)[1])
        likeness = ops.matmul(states, ops.transpose(states, (0, 2, 1)))
        return ops.matmul(ops.softmax(ops.where(steps[:, None] >= steps[None], likeness, -1e9)), states)


class Attention(Plain):
    def recurrent_layer(self, **kwargs):
        return Attending(Cell(self.units), **kwargs)


class Remembering(Cell):
    """Writes what it reads into a variable, and reads that beside its state."""

    def build(self, input_shape):
        super().build(input_shape)
        self.kept = self.add_weight(shape=(self.units,), initializer="zeros", trainable=False, name="kept")

    def call(self, inputs, states, training=False):
        h, _ = super().call(inputs, states)
        h = h + self.kept
        self.kept.assign(0.5 * self.kept + 0.5 * ops.mean(h, axis=0))
        return h, [h]


class Stateful(Plain):
    def recurrent_layer(self, **kwargs):
        return keras.layers.RNN(Remembering(self.units), **kwargs)


class Stopped(Cell):
    """Half of the state goes on without its gradient."""

    def call(self, inputs, states, training=False):
        before = states[0] if isinstance(states, list | tuple) else states
        h, after = super().call(inputs, [0.5 * before + 0.5 * ops.stop_gradient(before)])
        return h, after


class StoppedGradient(Plain):
    def recurrent_layer(self, **kwargs):
        return keras.layers.RNN(Stopped(self.units), **kwargs)


class OwnGenerator(Plain):
    def initialize(self, cell, length, rng):
        cell.recurrent_kernel.assign(np.random.default_rng(0).normal(size=(self.units, self.units)))


class OwnSeed(Plain):
    def initialize(self, cell, length, rng):
        cell.recurrent_kernel.assign(keras.initializers.Orthogonal(seed=1)((self.units, self.units)))


class OldGenerator(Plain):
    def initialize(self, cell, length, rng):
        np.random.seed(3)
        cell.bias.assign(np.random.normal(size=self.units))


class OneForAll(Plain):
    """A generator of the module, which goes on from network to network."""

    def initialize(self, cell, length, rng):
        cell.bias.assign(FIXED.normal(size=self.units))


class Miscounted(Plain):
    """Right for ten inputs alone."""

    def layer_parameters(self, inputs):
        return self.units * (10 + self.units + 1)


class Misnamed(LSTM):
    gate_names: ClassVar[tuple[str, ...]] = ("input", "forget", "output")


class Deaf(Plain):
    def recurrent_layer(self, **kwargs):
        return keras.layers.SimpleRNN(self.units, name=kwargs["name"])


BROKEN = {
    Bidirectional: ("layer", "recurrent_layer must give a keras.layers.RNN, not a Bidirectional"),
    Deaf: ("layer", "must pass its arguments on"),
    Backwards: ("states", "must hold all that the network knows of the past"),
    SecondPath: ("states", "must hold all that the network knows of the past"),
    Attention: ("states", "must hold all that the network knows of the past"),
    Stateful: ("states", "must hold all that the network knows of the past"),
    StoppedGradient: ("gradient probe", "d loss / dh: the probe says"),
    OwnGenerator: ("initialize", "must draw from its generator"),
    OwnSeed: ("initialize", "must draw from its generator"),
    OldGenerator: ("initialize", "must draw from its generator"),
    OneForAll: ("seed", "the same seed must give the same weights"),
    Miscounted: ("parameters", "of 5 inputs, the network has"),
    Misnamed: ("gates", "one for each block"),
}


@pytest.mark.parametrize("model_class", [FromItsGenerator, FromNumPys, Spread, TwoMemories])
def test_sound_models_pass(model_class):
    assert faults((Sized(model_class(units=3)),)) == {}


@pytest.mark.parametrize(
    "model",
    [
        LSTM(units=3, initialization="chrono"),
        GRU(units=4, initialization="orthogonal"),
        SimpleRNN(units=4, initialization="identity", activation="relu"),
    ],
)
def test_models_of_the_suite_pass_with_their_initialisations(model):
    wanted = [check for check in MODEL_CHECKS if check.name in ("layer", "seed", "initialize", "states")]
    assert [verdict.found for verdict in verdicts(wanted, (Sized(model),))] == ["kept"] * 4


@pytest.mark.parametrize("model_class", BROKEN)
def test_a_fault_is_found_by_the_right_check_alone(model_class):
    check, words = BROKEN[model_class]
    found = faults((Sized(model_class(units=3)),))
    assert set(found) == {check}
    assert words in found[check]


def test_a_model_with_settings_that_must_be_given_is_judged_by_an_experiment():
    with pytest.raises(NotCheckedError, match=r"needs settings \(rank\); name it in an experiment file"):
        sizes_of_class(NeedsRank)
    assert faults((Sized(NeedsRank(units=3, rank=2)),)) == {}
