"""The cell of coRNN (Rusch & Mishra 2021, arXiv:2010.00951)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnnbench.layers.cell import Cell, tapped


@keras.saving.register_keras_serializable(package="rnnbench")
class CoRNNCell(Cell):
    """z_t = z_{t-1} + dt (tanh(W y_{t-1} + V z_{t-1} + U x_t + b) - gamma y_{t-1} - epsilon z_{t-1}), and
    y_t = y_{t-1} + dt z_t, which is the output.

    States: y, the positions of the oscillators, and z, their velocities. Weights: `kernel`, U, (width, units),
    `recurrent_kernel`, W and V beside each other, (units, 2 x units), and `bias` (units,).
    """

    states = 2

    def __init__(self, units: int, dt: float, gamma: float, epsilon: float, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.dt, self.gamma, self.epsilon = dt, gamma, epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=(self.units, 2 * self.units))
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, inputs: Any, states: Any, taps: Sequence[Any] | None = None) -> tuple[Any, list[Any]]:
        y, z = states
        force = self.force(inputs, y, z)
        z = z + self.dt * (force - self.gamma * y - self.epsilon * z)
        y = tapped(y + self.dt * z, taps, 0)
        return y, [y, tapped(z, taps, 1)]

    def force(self, inputs: Any, y: Any, z: Any) -> Any:
        """The tanh that drives the oscillators, (..., units)."""
        of_y, of_z = ops.split(ops.convert_to_tensor(self.recurrent_kernel), 2, axis=-1)
        return ops.tanh(ops.matmul(inputs, self.kernel) + ops.matmul(y, of_y) + ops.matmul(z, of_z) + self.bias)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"dt": self.dt, "gamma": self.gamma, "epsilon": self.epsilon}
