"""Standardises features with the mean and standard deviation of the training examples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ROUNDING = 5e-7
"""Deviation relative to the mean, up to which variation is only the rounding of 32-bit numbers."""


class Scale(NamedTuple):
    """Statistics of the training examples for each feature, the last axis."""

    mean: np.ndarray
    deviation: np.ndarray
    constant: np.ndarray
    """Whether a feature is constant over the training examples, up to rounding."""

    @classmethod
    def of(cls, train: np.ndarray) -> Scale:
        """Mean and standard deviation over all axes but the last, in float64."""
        axes = tuple(range(train.ndim - 1))
        mean, deviation = train.mean(axis=axes, dtype=np.float64), train.std(axis=axes, dtype=np.float64)
        return cls(mean, deviation, deviation <= _ROUNDING * np.abs(mean))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """`values` standardised, float64; a feature that is constant in training becomes 0 everywhere."""
        scaled: np.ndarray = (values - self.mean) / np.where(self.constant, 1.0, self.deviation)
        scaled[..., self.constant] = 0
        return scaled
