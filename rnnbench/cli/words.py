"""How durations, scores and errors are written on the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rnnbench.experiment.run_spec import RunSpec

_LONGEST_MESSAGE = 300


def duration(value: float) -> str:
    """Seconds as `45 s`, `3 min`, `2.5 h`."""
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def span(values: Iterable[int]) -> str:
    """`64`, or `5–200`."""
    ordered = sorted(set(values))
    return f"{ordered[0]:,}" if len(ordered) == 1 else f"{ordered[0]:,}–{ordered[-1]:,}"


def score_text(spec: RunSpec, value: float, digits: int = 3) -> str:
    """`accuracy 0.75`; a score that is not finite is undefined."""
    return f"{spec.task.score.name} {f'{value:.{digits}g}' if math.isfinite(value) else 'undefined'}"


def shortened(message: str) -> str:
    """An error message, cut where it is too long to read; the store has all of it."""
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]} ..."
