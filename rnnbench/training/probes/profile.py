"""The gradient profile, and what is read off it: survival, decay per step and reach. NumPy only.

The profile holds, for each example i of a fixed probe batch, the norm of the **total** derivative dl_i/ds_t of the loss
at the readout with respect to the state at step t, through all later steps (Pascanu, Mikolov & Bengio 2013, section 2):
of the joint state s = (h, c, ...), and of each of its parts. For a model without a state it is that with respect to the
input.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from rnnbench.tasks.stream import Layout, Stream

JOINT = "joint"
"""Name of all states of all layers together."""
STATE_NAMES = ("h", "c")
"""Names of a cell's states in Keras' order; those beyond are s2, s3, ..."""
INPUT = "x"
"""Name of the tapped input of a model without a state."""
REACH_LEVEL = 1e-3
"""Share of the norm at the readout that counts as gone: see `GradientProfile.summary`."""
DECAY_FROM = 5
"""Distance from which the decay per step is measured: nearer ones are of the readout."""


@dataclass(frozen=True)
class GradientProfile:
    """`norms` maps each signal to an array of shape (examples, distances); the first is `JOINT` or `INPUT`.

    Column d holds ||dl_i/ds_t||_2 at t = the example's first scored step - d. The states of stacked layers count as one
    vector.
    """

    layout: Layout
    norms: dict[str, np.ndarray]
    exists: np.ndarray
    """(examples, distances) bool: whether there is such a step. What is not finite elsewhere counts as that."""

    @classmethod
    def of(cls, layout: Layout, first: np.ndarray, by_step: dict[str, np.ndarray]) -> GradientProfile:
        """From norms of every step, (examples, time), and the first scored step of each example, (examples,).

        The joint state is added where there are states.
        """
        steps = first[:, None] - np.arange(first.max() + 1)
        rows = np.arange(len(first))[:, None]
        norms = {state: of_state[rows, steps] for state, of_state in by_step.items()}
        if INPUT not in norms:
            # Not the root of squares, which are 0 where norms are very small.
            norms = {JOINT: reduce(np.hypot, norms.values()), **norms}
        return cls(layout, norms, steps >= 0)

    @property
    def headline(self) -> str:
        """The signal that stands for the network: the joint state, or the input."""
        return next(iter(self.norms))

    def median(self, state: str | None = None) -> np.ndarray:
        """Median norm over the examples at each distance; of the headline, unless another signal is named."""
        return _quantiles(self.norms[state or self.headline], self.exists, 0.5)[0]

    def relative(self, state: str | None = None) -> np.ndarray:
        """Median over the examples of their norms relative to that of the headline at the readout, (distances,).

        An example whose norm there is 0 does not count.
        """
        return _quantiles(self._of_each(state), self.exists & self._answered, 0.5)[0]

    def _of_each(self, state: str | None) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.norms[state or self.headline] / self.norms[self.headline][:, :1]

    @property
    def _answered(self) -> np.ndarray:
        """(examples, 1) bool: where there is a gradient at the readout, or what is no number."""
        return self.norms[self.headline][:, :1] != 0

    def columns(self) -> dict[str, list]:
        """The profile as a table: `distance, state, median, low, high` (10% and 90% quantiles over the examples)."""
        table: dict[str, list] = {name: [] for name in ("distance", "state", "median", "low", "high")}
        for state, norms in self.norms.items():
            low, median, high = _quantiles(norms, self.exists, 0.1, 0.5, 0.9)
            table["distance"] += range(norms.shape[1])
            table["state"] += [state] * norms.shape[1]
            for name, values in (("median", median), ("low", low), ("high", high)):
                table[name] += values.tolist()
        return table

    def summary(self, state: str | None = None) -> dict[str, float]:
        """`survival`, `decay_per_step` and `reach` of a signal (default: the headline), without what is undefined.

        `survival`: median over the examples of the mean norm over the evidence steps relative to the joint norm at the
        first readout step. `decay_per_step`: of the median norm, over the filler from distance `DECAY_FROM` on.
        `reach`: the shortest distance at which the median of the examples' relative norms is at most `REACH_LEVEL`.
        Examples whose joint norm at the readout is 0 have no relative norm.
        """
        found = {
            "survival": self._survival(state),
            "decay_per_step": decay_per_step(self.median(state), DECAY_FROM, self.layout.lag),
            "reach": reach(self.relative(state)),
        }
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def _survival(self, state: str | None) -> float:
        evidence = slice(self.layout.lag + 1, self.layout.lag + 1 + self.layout.evidence)
        there = self.exists[:, evidence]
        summed = np.where(there, self._of_each(state)[:, evidence], 0.0).sum(axis=1, keepdims=True)
        counts = there.sum(axis=1, keepdims=True)
        return float(_quantiles(summed / np.maximum(counts, 1), self._answered & (counts > 0), 0.5)[0, 0])


def _quantiles(values: np.ndarray, counted: np.ndarray, *shares: float) -> np.ndarray:
    """Quantiles over the examples that count, (shares, columns); nan if one is not a number, or none counts."""
    undefined = (np.isnan(values) & counted).any(axis=0) | ~counted.any(axis=0)
    # Zeros in their places: NumPy warns of a column where nothing is a number.
    found = np.nanquantile(np.where(undefined, 0.0, np.where(counted, values, np.nan)), shares, axis=0)
    return np.where(undefined, np.nan, found)


def first_scored_steps(stream: Stream, layout: Layout) -> np.ndarray:
    """The first step of each example that is read and scored, (examples,): distances count back from it."""
    if stream.readout is None:
        return np.full(stream.examples, stream.steps - layout.readout)
    weights = stream.scored_only.weights
    asked = np.ones(stream.readout.shape, bool) if weights is None else weights > 0
    return np.where(asked, stream.readout, stream.steps).min(axis=1)


def decay_per_step(median: np.ndarray, first: int, last: int) -> float:
    """exp of the least-squares slope of log norm against distance, over the distances `first` to `last`.

    nan if there are fewer than two distances, or if a norm is 0 or not finite.
    """
    distance, norms = np.arange(first, last + 1), median[first : last + 1]
    if len(distance) < 2 or len(norms) < len(distance) or not ((norms > 0) & np.isfinite(norms)).all():
        return float("nan")
    return float(np.exp(np.polyfit(distance, np.log(norms), 1)[0]))


def reach(relative: np.ndarray) -> float:
    """The shortest distance at which a relative norm has fallen to `REACH_LEVEL` or below; nan if there is none.

    One that begins below, as that by an LSTM's c does, has to rise first.
    """
    above = np.flatnonzero(relative > REACH_LEVEL)
    below = np.flatnonzero(relative <= REACH_LEVEL)
    fallen = below[below > above[0]] if len(above) else above
    return float(fallen[0]) if len(fallen) else float("nan")
