"""A model that says nothing about itself."""

import keras

from rnnbench.models.base import Model


class Minimal(Model):
    """A plug-in that says nothing about itself: its kernel's blocks have no names, its gates are unknown."""

    def recurrent_layer(self, **kwargs):
        return keras.layers.GRU(self.units, **kwargs)

    def layer_parameters(self, inputs):
        return 3 * (self.units * (inputs + self.units) + 2 * self.units)
