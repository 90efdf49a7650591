"""A plug-in model without a cell: a gated causal convolution."""

import keras
from keras import ops
from pydantic import Field

from rnnbench import Model, register_model


class GatedConvolution(keras.Layer):
    """(batch, time, width) to (batch, time, units): A x * sigmoid(B x) (Dauphin et al. 2017, section 2)."""

    def __init__(self, units, size, **kwargs):
        super().__init__(**kwargs)
        self.units, self.size = units, size
        self.convolution = keras.layers.Conv1D(2 * units, size, padding="causal")

    def build(self, input_shape):
        self.convolution.build(input_shape)

    def call(self, inputs):
        values, gates = ops.split(self.convolution(inputs), 2, axis=-1)
        return values * ops.sigmoid(gates)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "size": self.size}


@register_model("gated_convolution")
class GatedConvolutions(Model):
    """Reads the last `size` steps; with `layers`, `layers` (`size` - 1) + 1."""

    size: int = Field(4, ge=1)

    def layer(self, name):
        return GatedConvolution(self.units, self.size, name=name)

    def layer_parameters(self, inputs):
        return 2 * self.units * (inputs * self.size + 1)
