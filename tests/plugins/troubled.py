"""A plug-in whose task fails on demand, and whose model is a cell of its own."""

import os
import time
from typing import Literal

import keras
from keras import ops

from rnnbench import RNNModel, register_model, register_task
from rnnbench.tasks.copy_memory import CopyMemory


@register_task("troubled")
class Troubled(CopyMemory):
    """Copy-memory that fails at its third training step, in the way that is asked for."""

    trouble: Literal["none", "raise", "die", "wait"] = "none"

    def train_batch(self, seed, step, batch_size):
        if step == 2 and self.trouble == "raise":
            raise RuntimeError("as asked for")
        if step == 2 and self.trouble == "die":
            os._exit(9)
        if step == 2 and self.trouble == "wait":
            time.sleep(0.5)
        return super().train_batch(seed, step, batch_size)


class LeakyCell(keras.Layer):
    """h_t = a h_{t-1} + (1 - a) tanh(W x_t + U h_{t-1}), its output twice its state."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), name="recurrent")
        self.keep = self.add_weight(shape=(self.units,), name="keep")

    def call(self, inputs, states, training=False):
        keep = ops.sigmoid(self.keep)
        new = ops.tanh(inputs @ self.kernel + states[0] @ self.recurrent)
        state = keep * states[0] + (1 - keep) * new
        return 2 * state, [state]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@register_model("leaky")
class Leaky(RNNModel):
    """A cell that stock Keras does not have."""

    def cell(self):
        return LeakyCell(self.units)

    def layer_parameters(self, inputs):
        return self.units * (inputs + self.units + 1)
