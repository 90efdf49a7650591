"""Ridge regression with an intercept, for all penalties at once. NumPy only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PENALTIES = tuple(10.0**power for power in range(-13, 0, 2))
"""Penalties that are tried, relative to the largest eigenvalue of the features' Gram matrix.

Down to where float64 ends: what has faded from a state by six orders of magnitude can still be read.
"""


class Line(NamedTuple):
    """`features @ weights + bias`."""

    weights: np.ndarray
    """(width, outputs) float64."""
    bias: np.ndarray
    """(outputs,) float64."""

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return features @ self.weights + self.bias


class Ridge:
    """Least squares with a penalty on the weights, of standardised features (Hoerl & Kennard 1970)."""

    def __init__(self, features: np.ndarray, targets: np.ndarray, least: float = 0.0) -> None:
        """`features`: (n, width); `targets`: (n, outputs).

        A feature whose standard deviation is at most `least` gets no weight; one that is not finite in an example
        counts as 0 there.
        """
        values = np.nan_to_num(features.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        self._mean, self._level = values.mean(axis=0), targets.mean(axis=0, dtype=np.float64)
        spread = values.std(axis=0)
        self._scale = np.where(spread > least, spread, np.inf)
        standard = (values - self._mean) / self._scale
        self._eigenvalues, self._axes = np.linalg.eigh(standard.T @ standard)
        self._projected = self._axes.T @ (standard.T @ (targets - self._level))

    def line(self, penalty: float) -> Line:
        """The solution for a penalty, relative to the largest eigenvalue."""
        added = penalty * max(self._eigenvalues[-1], np.finfo(np.float64).tiny)
        of_axes = self._projected / (np.maximum(self._eigenvalues, 0.0) + added)[:, None]
        weights = (self._axes @ of_axes) / self._scale[:, None]
        return Line(weights, self._level - self._mean @ weights)
