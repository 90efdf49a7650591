"""A model without a state: causal convolutions."""

from __future__ import annotations

import keras
import numpy as np

from rnnbench.models.base import Model

WIDTH = 3
"""Steps that a convolution reads: its own and the two before."""


class Convolved(Model):
    """`keras.layers.Conv1D` over the past, which begins with zeros."""

    def layer(self, name: str) -> keras.layers.Conv1D:
        return keras.layers.Conv1D(self.units, WIDTH, padding="causal", activation="tanh", name=name)

    def layer_parameters(self, inputs: int) -> int:
        return self.units * (WIDTH * inputs + 1)


def by_numpy(inputs: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """One such layer: (batch, time, width) to (batch, time, units)."""
    past = np.pad(inputs, [(0, 0), (WIDTH - 1, 0), (0, 0)])
    steps = inputs.shape[1]
    return np.tanh(sum(past[:, at : at + steps] @ kernel[at] for at in range(WIDTH)) + bias)
