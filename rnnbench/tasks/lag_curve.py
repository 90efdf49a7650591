"""Where a network is tested beside its own lag, and what the curve over these lags says. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rnnbench.tasks.protocol import longest_lead


def default_test_lags(least: int, lag: int) -> list[int]:
    """The shortest lag, L/4, L/2, 3L/4, L-1, L, L+1, 3L/2 and 2L of L = `lag`, where they exist; rising."""
    wanted = {least, lag // 4, lag // 2, 3 * lag // 4, lag - 1, lag, lag + 1, 3 * lag // 2, 2 * lag}
    return sorted(one for one in wanted if one >= least)


def shown_leads(lag: int) -> list[int]:
    """The leads 0, 1, 5, S and 2S, with S the longest that is trained at `lag`."""
    return [0, 1, 5, longest_lead(lag), 2 * longest_lead(lag)]


def clock(skill: Mapping[int, float], lag: int) -> float:
    """(skill at L - the lower skill of the neighbours L-1 and L+1) / skill at L, skills cut off at 0.

    NaN where neither neighbour was tested, or where there is no skill at L.
    """
    beside = [max(0.0, skill[one]) for one in (lag - 1, lag + 1) if one in skill and not math.isnan(skill[one])]
    own = skill.get(lag, math.nan)
    return (own - min(beside)) / own if beside and own > 0 else math.nan


def generalises_to(solved: Mapping[int, bool], lag: int) -> int:
    """The longest tested lag up to which every tested lag from `lag` on is solved."""
    reached = lag
    for tested in sorted(one for one in solved if one >= lag):
        if not solved[tested]:
            break
        reached = tested
    return reached
