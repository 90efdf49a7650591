"""Models of one's own: sound ones, and such as have one fault, beside the check that finds it and words of it."""

from __future__ import annotations

from typing import ClassVar

import keras
import numpy as np
from keras import ops
from pydantic import Field

from rnnbench import Model, RNNModel
from rnnbench.models.lstm import LSTM

FIXED = np.random.default_rng(3)
NAN = keras.initializers.Constant(float("nan"))


class Plain(RNNModel):
    """A SimpleRNN; the broken ones differ from it by one fault."""

    def cell(self):
        return keras.layers.SimpleRNNCell(self.units)

    def layer_parameters(self, inputs):
        return self.units * (inputs + self.units + 1)


class Cell(keras.layers.SimpleRNNCell):
    """A cell of one's own over the same weights."""


class FromItsGenerator(Plain):
    def initialize(self, layer, length, rng):
        layer.cell.recurrent_kernel.assign(rng.normal(size=(self.units, self.units)))


class FromNumPys(Plain):
    """Sound in effect: `build` seeds NumPy's own generator by the run's seed."""

    def initialize(self, layer, length, rng):
        layer.cell.bias.assign(np.random.normal(size=self.units))


class Spread(Plain):
    """Many different numbers, none of them drawn."""

    def initialize(self, layer, length, rng):
        layer.cell.bias.assign(np.linspace(-2, 2, self.units))


class TwoMemories(Plain):
    """A cell with two states, of two widths, that answers from both."""

    def cell(self):
        return TwoStates(self.units)

    def layer_parameters(self, inputs):
        return self.units * (inputs + self.units + 1) + 2 * self.units

    def state_size(self):
        return self.layers * (self.units + 2)


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


class Convolution(Model):
    """Sound, and without a state: each output is of the last three steps."""

    def layer(self, name):
        return keras.layers.Conv1D(self.units, 3, padding="causal", activation="tanh", name=name)

    def layer_parameters(self, inputs):
        return self.units * (3 * inputs + 1)


class OneLayerOfAll(Convolution):
    """Sound: its layer holds the whole stack."""

    depth = property(lambda self: 1)

    def layer(self, name):
        parts = [keras.layers.Conv1D(self.units, 3, padding="causal") for _ in range(self.layers)]
        return keras.Sequential([*parts, keras.layers.LayerNormalization()], name=name)

    def layer_parameters(self, inputs):
        deeper = self.units * (3 * self.units + 1)
        return super().layer_parameters(inputs) + (self.layers - 1) * deeper + 2 * self.units


class OnlyFromFour(Plain):
    """Sound: refuses odd widths."""

    units: int = Field(8, multiple_of=4)


class Centred(Convolution):
    """Reads a step ahead."""

    def layer(self, name):
        return keras.layers.Conv1D(self.units, 3, padding="same", activation="tanh", name=name)


class NormalisedOverTime(keras.layers.Conv1D):
    """Divides by what the whole sequence comes to."""

    def call(self, inputs):
        found = super().call(inputs)
        return found / (1 + ops.max(ops.abs(found), axis=1, keepdims=True))


class OverTime(Convolution):
    def layer(self, name):
        return NormalisedOverTime(self.units, 3, padding="causal", name=name)


class LateGate(keras.layers.Conv1D):
    """Adds the last step through a weight that starts at 0."""

    def build(self, input_shape):
        super().build(input_shape)
        self.ahead = self.add_weight(shape=(), initializer="zeros", name="ahead")

    def call(self, inputs):
        return super().call(inputs) + self.ahead * ops.mean(inputs, axis=(1, 2), keepdims=True)


class OpensLater(Convolution):
    def layer(self, name):
        return LateGate(self.units, 3, padding="causal", name=name)

    def layer_parameters(self, inputs):
        return super().layer_parameters(inputs) + 1


class Bidirectional(Model):
    """Reads later steps, without a word."""

    def layer(self, name):
        both = keras.layers.SimpleRNN(self.units, return_sequences=True)
        return keras.layers.Bidirectional(both, merge_mode="sum", name=name)

    def layer_parameters(self, inputs):
        return 2 * self.units * (inputs + self.units + 1)


class SaysSo(Bidirectional):
    """Reads later steps, by its own word."""

    causal: ClassVar[bool] = False


class Backwards(Plain):
    def layer(self, name):
        return keras.layers.SimpleRNN(self.units, go_backwards=True, return_sequences=True, name=name)


class Nameless(Convolution):
    def layer(self, name):
        return keras.layers.Conv1D(self.units, 3, padding="causal")


class LastOnly(Plain):
    def layer(self, name):
        return keras.layers.SimpleRNN(self.units, name=name)


class TooWide(Convolution):
    def layer(self, name):
        return keras.layers.Conv1D(self.units + 1, 3, padding="causal", name=name)


class Positions(keras.layers.Dense):
    """Has a bias for each step of the first sequence that it reads."""

    def build(self, input_shape):
        super().build(input_shape)
        self.at = self.add_weight(shape=(input_shape[1], self.units), initializer="zeros", name="at")

    def call(self, inputs):
        return super().call(inputs) + self.at


class OneLength(Convolution):
    def layer(self, name):
        return Positions(self.units, name=name)


class NoNumbers(Convolution):
    def layer(self, name):
        return keras.layers.Conv1D(self.units, 3, padding="causal", bias_initializer=NAN, name=name)


class Shared(Convolution):
    """One layer for the whole process."""

    made: ClassVar[dict] = {}

    def layer(self, name):
        return self.made.setdefault(self.units, super().layer(name))


class NoLoop(Plain):
    """Has a cell, and does not use it."""

    def layer(self, name):
        return keras.layers.Conv1D(self.units, 3, padding="causal", name=name)


class AnotherCell(Plain):
    def layer(self, name):
        return keras.layers.SimpleRNN(self.units, return_sequences=True, name=name)

    def cell(self):
        return Cell(self.units)


class SumOfThePast(keras.layers.RNN):
    """Adds the sum of all inputs so far: a second path through time."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        read = ops.cumsum(ops.mean(sequences, axis=2, keepdims=True), axis=1)
        return super().call(sequences, initial_state, mask, training) + (read if self.return_sequences else read[:, -1])


class SecondPath(Plain):
    def layer(self, name):
        return SumOfThePast(self.cell(), return_sequences=True, name=name)


class Attending(keras.layers.RNN):
    """Answers at each step with a mean of all states so far, weighted by their likeness to the last."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        states = super().call(sequences, initial_state, mask, training)
        steps = ops.arange(ops.shape(states)[1])
        likeness = ops.matmul(states, ops.transpose(states, (0, 2, 1)))
        return ops.matmul(ops.softmax(ops.where(steps[:, None] >= steps[None], likeness, -1e9)), states)


class Attention(Plain):
    def layer(self, name):
        return Attending(self.cell(), return_sequences=True, name=name)


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
    def cell(self):
        return Remembering(self.units)


class Stopped(Cell):
    """Half of the state goes on without its gradient."""

    def call(self, inputs, states, training=False):
        before = states[0] if isinstance(states, list | tuple) else states
        h, after = super().call(inputs, [0.5 * before + 0.5 * ops.stop_gradient(before)])
        return h, after


class StoppedInputs(Convolution):
    """Half of the inputs goes on without its gradient."""

    def layer(self, name):
        return HalfStopped(self.units, 3, padding="causal", activation="tanh", name=name)


class HalfStopped(keras.layers.Conv1D):
    def call(self, inputs):
        return super().call(0.5 * inputs + 0.5 * ops.stop_gradient(inputs))


class StoppedGradient(Plain):
    def cell(self):
        return Stopped(self.units)


class OwnGenerator(Plain):
    def initialize(self, layer, length, rng):
        layer.cell.recurrent_kernel.assign(np.random.default_rng(0).normal(size=(self.units, self.units)))


class OwnSeed(Plain):
    def initialize(self, layer, length, rng):
        layer.cell.recurrent_kernel.assign(keras.initializers.Orthogonal(seed=1)((self.units, self.units)))


class OldGenerator(Plain):
    def initialize(self, layer, length, rng):
        np.random.seed(3)
        layer.cell.bias.assign(np.random.normal(size=self.units))


class OneForAll(Plain):
    """A generator of the module, which goes on from network to network."""

    def initialize(self, layer, length, rng):
        layer.cell.bias.assign(FIXED.normal(size=self.units))


class Miscounted(Plain):
    """Right for ten inputs alone."""

    def layer_parameters(self, inputs):
        return self.units * (10 + self.units + 1)


class Misnamed(LSTM):
    gate_names: ClassVar[tuple[str, ...]] = ("input", "forget", "output")


class LeavesNoNumbers(Plain):
    """If what it starts from is not as Keras starts it."""

    def initialize(self, layer, length, rng):
        bias = np.array(layer.cell.bias)
        layer.cell.bias.assign(np.where(bias == 0, 0, np.nan))


BROKEN = {
    Nameless: ("layer", "must pass its name on: 'layer_0' became 'conv1d"),
    LastOnly: ("layer", "must give (batch, time, units): (2, 3) in place of (2, 5, 3)"),
    TooWide: ("layer", "must give (batch, time, units): (2, 5, 4) in place of (2, 5, 3)"),
    OneLength: ("layer", "Positions"),
    NoNumbers: ("layer", "must give finite answers"),
    Shared: ("layer", "must give a new layer at each call"),
    NoLoop: ("layer", "the layer of an RNNModel must be a keras.layers.RNN, not a Conv1D"),
    AnotherCell: ("layer", "goes over a SimpleRNNCell, `cell` is a Cell"),
    Centred: ("causal", "other inputs from step 1 on changed the outputs before it"),
    OverTime: ("causal", "must be causal"),
    OpensLater: ("causal", "must be causal"),
    Bidirectional: ("causal", "must be causal"),
    Backwards: ("causal", "must be causal"),
    SecondPath: ("states", "must hold all that the network knows of the past"),
    Attention: ("states", "must hold all that the network knows of the past"),
    Stateful: ("states", "must hold all that the network knows of the past"),
    StoppedGradient: ("gradient probe", "d loss / dh: the probe says"),
    StoppedInputs: ("gradient probe", "d loss / dx: the probe says"),
    LeavesNoNumbers: ("initialize", "must leave finite weights"),
    OwnGenerator: ("initialize", "must draw from its generator"),
    OwnSeed: ("initialize", "must draw from its generator"),
    OldGenerator: ("initialize", "must draw from its generator"),
    OneForAll: ("seed", "the same seed must give the same weights"),
    Miscounted: ("parameters", "of 18 inputs, the network has"),
    Misnamed: ("gates", "one for each block"),
}


SOUND = (FromItsGenerator, FromNumPys, Spread, TwoMemories, Convolution, OneLayerOfAll)
