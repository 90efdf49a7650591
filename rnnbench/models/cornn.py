"""coRNN: coupled oscillatory network (Rusch & Mishra 2021, arXiv:2010.00951)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from rnnbench.models import initializers
from rnnbench.models.base import Activations, RNNModel
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("cornn")
class CoRNN(RNNModel):
    """Driven, damped and coupled oscillators, stepped in time (Rusch & Mishra 2021).

    Positions y and velocities z by equation 3: z_t = z_{t-1} + dt (tanh(W y_{t-1} + V z_{t-1} + U x_t + b) - gamma
    y_{t-1} - epsilon z_{t-1}), y_t = y_{t-1} + dt z_t. Damping is explicit, as in the authors' code (the paper allows
    both). Probes call y `h` and z `c`. The options' defaults are those of that code for sequential
    MNIST. Kernels and bias start from PyTorch's default, U(+-1/sqrt(width + 2 x units)), as there.
    """

    dt: float = Field(0.042, gt=0)
    """Step in time."""
    gamma: float = Field(2.7, ge=0)
    """Square of the frequency of a free oscillator."""
    epsilon: float = Field(4.7, ge=0)
    """Damping. Without a force, (1 - `dt` `epsilon`) of a velocity is left after a step."""

    states: ClassVar[int] = 2
    kernel_blocks: ClassVar[int] = 2
    gate_names: ClassVar[tuple[str, ...]] = ("position", "velocity")

    def cell(self) -> keras.Layer:
        from rnnbench.layers.cornn import CoRNNCell

        return CoRNNCell(self.units, self.dt, self.gamma, self.epsilon)

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        cell = layer.cell
        fan_in = cell.kernel.shape[0] + 2 * self.units
        for weight in (cell.kernel, cell.recurrent_kernel, cell.bias):
            weight.assign(initializers.uniform(tuple(weight.shape), fan_in, rng))

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """The tanh that drives the oscillators."""
        return Activations({}, {"force": cell.force(inputs, *states)})

    def layer_parameters(self, inputs: int) -> int:
        return self.units * (inputs + 2 * self.units + 1)
