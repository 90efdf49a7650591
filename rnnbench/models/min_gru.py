"""minGRU (Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024, "Were RNNs all we needed?", arXiv:2410.01201)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnnbench.models import initializers
from rnnbench.models.base import Activations, RNNModel
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("min_gru")
class MinGRU(RNNModel):
    """A GRU whose gate and candidate do not read the state, so that it is linear (Feng et al. 2024).

    h_t = (1 - z_t) h_{t-1} + z_t h~_t, with z_t = sigmoid(Linear(x_t)) and h~_t = Linear(x_t): section 3.1, in exact
    arithmetic. The paper's log-space form, which keeps h~ positive, is not it. What the paper puts around the layer in
    some tasks (convolution, normalisation, MLP, residual) is left out. One layer cannot tell one place in time from
    another; `layers` of 2 and more can.

    The paper names no initialisation; its listings use PyTorch's linear layers, whose default this is: kernels and
    biases from U(+-1/sqrt(width)).
    """

    kernel_blocks: ClassVar[int] = 1
    gate_names: ClassVar[tuple[str, ...]] = ("update", "candidate")

    def cell(self) -> keras.Layer:
        from rnnbench.layers.min_gru import MinGRUCell

        return MinGRUCell(self.units)

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        width = layer.cell.kernel.shape[0]
        for weight in (layer.cell.kernel, layer.cell.bias):
            weight.assign(initializers.uniform(tuple(weight.shape), width, rng))

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """The gate, which takes in the candidate."""
        return Activations({"update": cell.gate_and_candidate(inputs)[0]}, {})

    def layer_parameters(self, inputs: int) -> int:
        return 2 * (inputs + 1) * self.units
