"""The levels between which a score is read: memoryless 0, reference 1 (docs/science.md, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd


def skill(score: float, memoryless: float, reference: float, higher_is_better: bool) -> float:
    """A score on the scale on which the memoryless level is 0 and the reference 1; NaN where that is undefined.

    Logarithmic for an error whose reference is above 0, as `rnnbench.tasks.base.Task.skill` has it.
    """
    levels = (memoryless, reference)
    if not all(map(math.isfinite, (score, *levels))) or memoryless == reference:
        return math.nan
    if not higher_is_better and reference > 0:
        return math.log(memoryless / score) / math.log(memoryless / reference) if min(score, *levels) > 0 else math.nan
    return (score - memoryless) / (reference - memoryless)


def linear_skill(runs: pd.DataFrame) -> Callable[[np.ndarray], np.ndarray] | None:
    """What turns scores of `runs` into skills, where all have the same levels and the skill is linear in the score."""
    memoryless, reference = (runs[name].astype(float).unique() for name in ("memoryless", "reference"))
    if len(memoryless) != 1 or len(reference) != 1 or not np.isfinite(memoryless[0] - reference[0]):
        return None
    if memoryless[0] == reference[0]:
        return None

    def line(score: np.ndarray) -> np.ndarray:
        return (score - memoryless[0]) / (reference[0] - memoryless[0])

    found = line(runs["score"].astype(float).to_numpy())
    return line if np.allclose(found, runs["skill"].astype(float), rtol=1e-6, atol=1e-9) else None


def asks_memory(runs: pd.DataFrame) -> bool:
    """Whether a task asks memory of its data: not if all its runs have a score and none a skill."""
    scored = runs[runs["score"].notna()]
    return scored.empty or bool(scored["skill"].notna().any())
