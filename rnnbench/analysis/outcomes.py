"""Which runs solved their task, when, and whether by a clock: one definition for counts, curves and horizons."""

from __future__ import annotations

import math

import pandas as pd

from rnnbench.analysis.groups import OUTCOMES

CLOCK = 0.5
"""A run is called a clock if more than this share of its skill is lost one step beside its lag."""


def ended(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that have an outcome: finished or diverged."""
    return runs[runs["status"].isin(OUTCOMES)]


def solved(outcomes: pd.DataFrame) -> pd.Series:
    """Whether each run solved its task, as it was judged; one that diverged, or was not judged, did not."""
    judged = outcomes["solved"].astype("boolean").fillna(False).astype(bool)
    return judged & (outcomes["status"] == "finished")


def clocks(outcomes: pd.DataFrame) -> pd.Series:
    """Whether each run solved its task by a clock: it answers at its lag and loses its skill one step beside it."""
    return solved(outcomes) & (outcomes["clock"].astype(float) > CLOCK)


def solving_steps(outcomes: pd.DataFrame) -> pd.DataFrame:
    """`step`: when each run solved its task, NaN for the others; `end`: where those are censored, infinite if diverged.

    A run whose test solves although no validation did has solved by its last step.
    """
    end = outcomes["steps"].astype(float)
    step = outcomes["steps_to_solve"].astype(float).fillna(end).where(solved(outcomes))
    return pd.DataFrame({"step": step, "end": end.mask(outcomes["status"] == "diverged", math.inf).fillna(math.inf)})
