"""The gradient profile, and what is read off it: survival, decay per step and reach. NumPy only.

The profile holds, for each example i of a fixed probe batch, the norm of the **total** derivative dl_i/dh_t of the loss
at the readout with respect to the state at step t, through all later steps (Pascanu, Mikolov & Bengio 2013, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnbench.tasks.base import Layout

STATE_NAMES = ("h", "c")
"""Names of a cell's states in Keras' order; those beyond are s2, s3, ..."""
REACH_LEVEL = 1e-3
"""Share of the norm at the readout that counts as gone: see `reach`."""


@dataclass(frozen=True)
class GradientProfile:
    """`norms` maps each state to an array of shape (examples, first readout step + 1).

    Column d holds ||dl/ds_t||_2 at t = first readout step - d. The states of stacked layers count as one vector.
    """

    layout: Layout
    norms: dict[str, np.ndarray]

    def median(self, state: str = "h") -> np.ndarray:
        """Median norm over the examples at each distance."""
        return np.median(self.norms[state], axis=0)

    def columns(self) -> dict[str, list]:
        """The profile as a table: `distance, state, median, low, high` (10% and 90% quantiles over the examples)."""
        table: dict[str, list] = {name: [] for name in ("distance", "state", "median", "low", "high")}
        for state, norms in self.norms.items():
            low, median, high = np.quantile(norms, [0.1, 0.5, 0.9], axis=0)
            table["distance"] += range(norms.shape[1])
            table["state"] += [state] * norms.shape[1]
            for name, values in (("median", median), ("low", low), ("high", high)):
                table[name] += values.tolist()
        return table

    def summary(self, state: str = "h") -> dict[str, float]:
        """`survival`, `decay_per_step` and `reach` of the median profile, without those that are undefined."""
        median, lag = self.median(state), self.layout.lag
        found = {
            "survival": survival(median, self.layout),
            "decay_per_step": decay_per_step(median, 1, lag),
            "reach": reach(median),
        }
        return {name: value for name, value in found.items() if np.isfinite(value)}


def survival(median: np.ndarray, layout: Layout) -> float:
    """Mean norm over the evidence steps, relative to the norm at the first readout step; nan if that is 0."""
    return float(median[layout.lag + 1 :].mean() / median[0]) if median[0] > 0 else float("nan")


def decay_per_step(median: np.ndarray, first: int, last: int) -> float:
    """exp of the least-squares slope of log norm against distance, over the distances `first` to `last`.

    nan if there are fewer than two distances, or if a norm is 0 or not finite.
    """
    distance, norms = np.arange(first, last + 1), median[first : last + 1]
    if len(distance) < 2 or not ((norms > 0) & np.isfinite(norms)).all():
        return float("nan")
    return float(np.exp(np.polyfit(distance, np.log(norms), 1)[0]))


def reach(median: np.ndarray) -> float:
    """The shortest distance at which the norm is at most `REACH_LEVEL` times the norm at the readout.

    nan if there is none, or if the norm at the readout is 0.
    """
    if not median[0] > 0:
        return float("nan")
    below = np.flatnonzero(median <= REACH_LEVEL * median[0])
    return float(below[0]) if len(below) else float("nan")
