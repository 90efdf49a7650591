"""The levels between which a score is read: memoryless 0, reference 1 (docs/science.md, section 3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from rnnbench.tasks.skill import Levels


def skill(score: float, memoryless: float, reference: float, higher_is_better: bool) -> float:
    """A score on the scale on which the memoryless level is 0 and the reference 1; NaN where that is undefined.

    Logarithmic for an error whose reference is above 0, see `rnnbench.tasks.skill.Levels`.
    """
    return Levels(memoryless, reference, 0.0, higher_is_better).skill(score)


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
