"""The gradient profile, and what is read off it: survival, decay per step and reach. NumPy only.

The profile holds, for each example i of a fixed probe batch, the norm of the **total** derivative dl_i/dh_t of the loss
at the readout with respect to the state at step t, through all later steps (Pascanu, Mikolov & Bengio 2013, section 2).
For a model without a state it is that with respect to the input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnbench.tasks.stream import Layout, Stream

STATE_NAMES = ("h", "c")
"""Names of a cell's states in Keras' order; those beyond are s2, s3, ..."""
INPUT = "x"
"""Name of the tapped input of a model without a state."""
REACH_LEVEL = 1e-3
"""Share of the norm at the readout that counts as gone: see `reach`."""


@dataclass(frozen=True)
class GradientProfile:
    """`norms` maps each tapped signal to an array of shape (examples, distances).

    Column d holds ||dl/ds_t||_2 at t = the example's first scored step - d. The states of stacked layers count as one
    vector.
    """

    layout: Layout
    norms: dict[str, np.ndarray]
    exists: np.ndarray
    """(examples, distances) bool: whether there is such a step. What is not finite elsewhere counts as that."""

    @classmethod
    def of(cls, layout: Layout, first: np.ndarray, by_step: dict[str, np.ndarray]) -> GradientProfile:
        """From norms of every step, (examples, time), and the first scored step of each example, (examples,)."""
        steps = first[:, None] - np.arange(first.max() + 1)
        rows = np.arange(len(first))[:, None]
        return cls(layout, {state: norms[rows, steps] for state, norms in by_step.items()}, steps >= 0)

    @property
    def headline(self) -> str:
        """The signal that stands for the network: `h`, or the input."""
        return next(iter(self.norms))

    def median(self, state: str | None = None) -> np.ndarray:
        """Median norm over the examples at each distance; of the headline, unless another signal is named."""
        return self._quantiles(state or self.headline, 0.5)[0]

    def _quantiles(self, state: str, *shares: float) -> np.ndarray:
        """Quantiles over the examples that reach so far back, (shares, distances); nan if one is not a number."""
        norms = self.norms[state]
        undefined = np.isnan(norms) & self.exists
        # Zeros in their places: NumPy warns of a distance where nothing is a number.
        found = np.nanquantile(np.where(undefined, 0.0, np.where(self.exists, norms, np.nan)), shares, axis=0)
        return np.where(undefined.any(axis=0), np.nan, found)

    def columns(self) -> dict[str, list]:
        """The profile as a table: `distance, state, median, low, high` (10% and 90% quantiles over the examples)."""
        table: dict[str, list] = {name: [] for name in ("distance", "state", "median", "low", "high")}
        for state, norms in self.norms.items():
            low, median, high = self._quantiles(state, 0.1, 0.5, 0.9)
            table["distance"] += range(norms.shape[1])
            table["state"] += [state] * norms.shape[1]
            for name, values in (("median", median), ("low", low), ("high", high)):
                table[name] += values.tolist()
        return table

    def summary(self, state: str | None = None) -> dict[str, float]:
        """`survival`, `decay_per_step` and `reach` of the median profile, without those that are undefined."""
        median, lag = self.median(state), self.layout.lag
        found = {
            "survival": survival(median, self.layout),
            "decay_per_step": decay_per_step(median, 1, lag),
            "reach": reach(median),
        }
        return {name: value for name, value in found.items() if np.isfinite(value)}


def first_scored_steps(stream: Stream, layout: Layout) -> np.ndarray:
    """The first step of each example that is read and scored, (examples,): distances count back from it."""
    if stream.readout is None:
        return np.full(stream.examples, stream.steps - layout.readout)
    weights = stream.scored_only.weights
    asked = np.ones(stream.readout.shape, bool) if weights is None else weights > 0
    return np.where(asked, stream.readout, stream.steps).min(axis=1)


def survival(median: np.ndarray, layout: Layout) -> float:
    """Mean norm over the evidence steps, relative to the norm at the first readout step; nan if that is 0."""
    evidence = median[layout.lag + 1 :][: layout.evidence]
    return float(evidence.mean() / median[0]) if median[0] > 0 else float("nan")


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
