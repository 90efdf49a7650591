"""Which lag a training step has, and how many steps of filler stand before the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

TrainingLags = Literal["fixed", "uniform", "far", "log"]
Lead = Literal["none", "random"]

_LAG, _LEAD, _FILL = 0x1A6, 0x1EAD, 0xF111
"""First words of the seeds, so that these draws are independent of those of the data."""
SHORTEST_LEADS = 20
"""The longest lead is at least this long, also where the lag is short."""
TESTED_LEADS = 5
"""How many leads, spread evenly, the examples of a split have."""


def shortest(lags: TrainingLags, least: int, lag: int) -> int:
    """The shortest lag that training draws at a task's `lag`."""
    if lags == "fixed":
        return lag
    return max(least, -(-lag // 2)) if lags == "far" else least


def drawn_lag(lags: TrainingLags, least: int, lag: int, seed: int, step: int) -> int:
    """The lag of a training step, a pure function of (seed, step), the same for the whole batch.

    `fixed`: `lag`; `uniform`: from `least` to `lag`; `far`: from half of `lag` to `lag`; `log`: as `uniform`, but
    uniform in log(1 + lag).
    """
    low = shortest(lags, least, lag)
    if low == lag:
        return lag
    rng = np.random.default_rng([_LAG, seed, step])
    if lags == "log":
        return int(np.exp(rng.uniform(np.log(1 + low), np.log(2 + lag)))) - 1
    return int(rng.integers(low, lag + 1))


def longest_lead(lag: int) -> int:
    """The longest lead at a task's `lag`, steps."""
    return max(SHORTEST_LEADS, lag // 2)


def drawn_lead(lag: int, seed: int, step: int) -> int:
    """The lead of a training step, from 0 to the longest, independent of its lag."""
    return int(np.random.default_rng([_LEAD, seed, step]).integers(0, longest_lead(lag) + 1))


def tested_leads(lag: int) -> list[int]:
    """The leads of validation and test, spread evenly from 0 to the longest."""
    return np.linspace(0, longest_lead(lag), TESTED_LEADS).round().astype(int).tolist()


def filler_rng(*seed: int) -> np.random.Generator:
    """The generator of the filler in a lead."""
    return np.random.default_rng([_FILL, *seed])


def check_filler(filler: str, known: Sequence[str]) -> None:
    """Raise `ValueError` for a filler that a task does not have."""
    if filler in known:
        return
    has = f"the task has {', '.join(known)}"
    if filler == "distractor" and "decoy" in known:
        raise ValueError(f"'distractor' is called 'decoy' here, as it is drawn as the evidence is; {has}")
    raise ValueError(f"'{filler}' is not a filler of the task; {has}")


def check_drawn(lags: TrainingLags, lead: Lead, one_distance: bool) -> None:
    """Raise `ValueError` for lags and a lead that do not go together, or not with a distance that is not one number."""
    if not one_distance and (lags, lead) != ("fixed", "none"):
        wrong = f"training_lags: {lags}" if lags != "fixed" else f"lead: {lead}"
        raise ValueError(f"'{wrong}' is not possible: the distance is not one number; use 'fixed', and 'lead: none'")
    if lags != "fixed" and lead == "none":
        raise ValueError(f"'lead: none' goes with 'training_lags: fixed' alone, not with '{lags}'; use 'lead: random'")
