"""What a lag curve says: at which lags and leads a trained network is tested, and whether it keeps time or remembers.

Pure functions of numbers, shared by training and analysis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from rnnbench.tasks.protocol import longest_lead


def default_test_lags(least: int, lag: int) -> list[int]:
    """The lags at which a run trained at `lag` (L) is tested, ascending; L is one of them.

    The task's shortest lag (`least`), L/4, L/2, 3L/4, L-1, L, L+1, 3L/2 and 2L, rounded down, where they exist, that
    is, from `least` on.
    """
    wanted = {least, lag // 4, lag // 2, 3 * lag // 4, lag - 1, lag, lag + 1, 3 * lag // 2, 2 * lag}
    return sorted(one for one in wanted if one >= least)


def shown_leads(lag: int) -> list[int]:
    """The leads at which a run at `lag` is shown, ascending: 0, 1, 5, S and 2S, where S is the longest in training."""
    longest = longest_lead(lag)
    return sorted({0, 1, 5, longest, 2 * longest})


def clock(skill: Mapping[int, float], lag: int) -> float:
    """How much of the skill at `lag` is lost one step beside it: 0 a memory, 1 a clock; above .5 it is called one.

    (skill at L - the lower skill of L-1 and L+1) / skill at L, skills cut off at 0. `skill` maps tested lags to skill;
    one that is not a number counts as 0. NaN where neither neighbour was tested, or where there is no skill at L.
    """
    at, beside = _cut(skill.get(lag, 0.0)), [_cut(skill[one]) for one in (lag - 1, lag + 1) if one in skill]
    if not beside or not 0 < at < math.inf:
        return math.nan
    return (at - min(beside)) / at


def generalises_to(solved: Mapping[int, bool], lag: int) -> int:
    """The longest tested lag up to which every tested lag from `lag` on is solved.

    Raises `ValueError` where `lag` itself is not solved: then there is nothing to generalise.
    """
    if not solved.get(lag, False):
        raise ValueError(f"lag {lag} is not solved, so that nothing generalises from it")
    reached = lag
    for one in sorted(tested for tested in solved if tested > lag):
        if not solved[one]:
            break
        reached = one
    return reached


def _cut(skill: float) -> float:
    return max(0.0, skill) if not math.isnan(skill) else 0.0
