"""IndRNN: independently recurrent network (Li, Li, Cook, Zhu & Gao 2018, arXiv:1803.04831)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnbench.models.base import RNNModel
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("indrnn")
class IndRNN(RNNModel):
    """Rectified units that read no other one of their layer (Li et al. 2018).

    h_t = relu(W x_t + u h_{t-1} + b), where u is a weight for each unit (section 3).

    u starts uniform on [0, 2^(1/T)], T being the length of the task's sequences: within that bound no unit's gradient
    grows more than twofold over a sequence. The paper also clips u to the bound in training; here it is
    left free, as for every other model. Kernels are Glorot-uniform. One layer has no connections between its units;
    `layers` of 2 and more do.
    """

    def cell(self) -> keras.Layer:
        from rnnbench.layers.indrnn import IndRNNCell

        return IndRNNCell(self.units)

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        layer.cell.recurrent_weight.assign(rng.uniform(0, 2 ** (1 / length), size=self.units))

    def layer_parameters(self, inputs: int) -> int:
        return self.units * (inputs + 2)
