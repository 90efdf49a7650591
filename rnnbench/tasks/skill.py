"""What a score is worth: between the memoryless level (0) and what all of the evidence buys (1). Pure functions."""

from __future__ import annotations

import math
from typing import NamedTuple

ERRORS = 2.33
"""Standard errors by which a score must be better to count as better: one-sided, 99%."""
SOLVED_SKILL = 0.9
SOLVED_RATIO = 1.1
"""An error solves up to so many times its reference."""
_ROUNDING = 1e-12
"""Relative; so that a score at a limit is not on its other side by rounding."""


class Levels(NamedTuple):
    """Both ends of the scale on one split."""

    memoryless: float
    reference: float
    error: float
    """Standard error of the memoryless level over the distinct sequences of the split; 0 where unknown."""
    higher_is_better: bool

    @property
    def logarithmic(self) -> bool:
        """Whether skill is logarithmic: an error whose reference is above 0."""
        return not self.higher_is_better and self.reference > 0

    @property
    def ask_memory(self) -> bool:
        """Whether the reference is better than the memoryless level by `ERRORS` standard errors."""
        return _ahead(self, self.reference, self.error)

    def skill(self, score: float) -> float:
        """0 at the memoryless level, 1 at the reference; NaN for a score that is not finite, or if no memory is asked.

        Linear, or ln(memoryless / score) / ln(memoryless / reference).
        """
        if not (math.isfinite(score) and self.ask_memory):
            return math.nan
        if not self.logarithmic:
            return (score - self.memoryless) / (self.reference - self.memoryless)
        return math.log(self.memoryless / score) / math.log(self.memoryless / self.reference) if score > 0 else math.inf

    def solved(self, score: float, standard_error: float, threshold: float | None) -> bool:
        """Whether a score solves: it reaches `threshold`, or else 1.1 times the error or .9 of the skill of the
        reference, and is better than the memoryless level by `ERRORS` of its standard errors (NaN: 0)."""
        if not (math.isfinite(score) and self.ask_memory):
            return False
        if not _ahead(self, score, 0.0 if math.isnan(standard_error) else standard_error):
            return False
        if threshold is not None:
            return score >= threshold if self.higher_is_better else score <= threshold
        if self.logarithmic:
            return score <= SOLVED_RATIO * self.reference * (1 + _ROUNDING)
        return self.skill(score) >= SOLVED_SKILL - _ROUNDING


def _ahead(levels: Levels, score: float, error: float) -> bool:
    gain = score - levels.memoryless if levels.higher_is_better else levels.memoryless - score
    return gain > max(ERRORS * error, _ROUNDING * abs(levels.memoryless))
