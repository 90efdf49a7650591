"""A model that says nothing about itself."""

import keras

from rnnbench.models.base import RNNModel


class Minimal(RNNModel):
    """A plug-in that says nothing about itself: its kernel's blocks have no names, its gates are unknown."""

    def cell(self):
        return keras.layers.GRUCell(self.units)

    def layer_parameters(self, inputs):
        return 3 * (self.units * (inputs + self.units) + 2 * self.units)
