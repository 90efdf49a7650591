"""Features brought to mean 0 and deviation 1 by the training examples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ROUNDING = 5e-7
"""Deviation, as a share of the mean, up to which a feature only varies by the rounding of 32-bit numbers."""


class Scale(NamedTuple):
    """What the training examples say of each feature, the last axis."""

    mean: np.ndarray
    deviation: np.ndarray
    constant: np.ndarray
    """Whether a feature is the same in all training examples, but for rounding: it tells them nothing."""

    @classmethod
    def of(cls, train: np.ndarray) -> Scale:
        """Mean and standard deviation over all axes but the last, in float64."""
        axes = tuple(range(train.ndim - 1))
        mean, deviation = train.mean(axis=axes, dtype=np.float64), train.std(axis=axes, dtype=np.float64)
        return cls(mean, deviation, deviation <= _ROUNDING * np.abs(mean))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """`values` standardised, float64; a feature that is constant in training is 0, whatever it is elsewhere."""
        scaled: np.ndarray = (values - self.mean) / np.where(self.constant, 1.0, self.deviation)
        scaled[..., self.constant] = 0
        return scaled
