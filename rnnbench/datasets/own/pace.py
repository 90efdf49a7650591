"""The steps of a series in time: in order, how far apart, and how many to a day."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.times import Times

_DAY = 86_400
_UNITS = ((604_800, "week"), (_DAY, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_MONTHS = {"month": (28, 31), "quarter": (89, 92), "year": (365, 366)}
"""Days between steps that the calendar makes unequal."""


class Pace(NamedTuple):
    """How far apart the rows of a series are."""

    step: str
    """The median step in words: `1 hour`, `15 minutes`, `1 month`; of times that are numbers, the number."""
    per_day: int | None
    """Steps of a day, where they are a whole number and at least 2."""
    note: str
    """What is irregular, as a line; else empty."""


def pace(times: Times, name: str, path: str, where: Callable[[int], str]) -> Pace:
    """The pace of at least two rows. Raises `UserError` for times that are not in order, or twice there."""
    values = times.values
    steps = np.diff(values)
    wrong = steps <= (np.timedelta64(0) if times.dated else 0)
    if wrong.any():
        row = int(np.argmax(wrong)) + 1
        at = f"{where(row)}, column '{name}': {_written(values[row])}"
        if values[row] == values[row - 1]:
            equal = int((steps == steps[row - 1]).sum())
            many = f", and {equal - 1:,} more times are" if equal > 1 else ""
            raise mistake(path, f"{at} is there twice, first in {where(row - 1)}{many}; a file is one series")
        raise mistake(path, f"{at} follows {_written(values[row - 1])}; rows must be in the order of their times")
    if not len(steps):
        return Pace("", None, "")
    seconds = steps / np.timedelta64(1, "s") if times.dated else steps.astype(float)
    median = float(np.median(seconds))
    unit = next(
        (
            unit
            for unit, (least, most) in _MONTHS.items()
            if times.dated and least * _DAY <= seconds.min() and seconds.max() <= most * _DAY
        ),
        None,
    )
    if unit:
        return Pace(f"1 {unit}", None, "")
    words = in_words(median) if times.dated else f"{median:g}"
    per_day = round(_DAY / median) if times.dated and _DAY % median == 0 and median < _DAY else None
    return Pace(words, per_day, _irregular(seconds, median, words, name, where, times.dated))


def _irregular(
    seconds: np.ndarray, median: float, words: str, name: str, where: Callable[[int], str], dated: bool
) -> str:
    # Clocks of time stamps are written to the second at best.
    uneven = np.abs(seconds - median) > 1e-3 * median
    if not uneven.any():
        return ""
    longest = int(np.argmax(seconds))
    span = in_words(float(seconds[longest])) if dated else f"{seconds[longest]:g}"
    return (
        f"{int(uneven.sum()):,} of {len(seconds):,} steps of column '{name}' are not the median step, "
        f"{words}; the longest, {span}, ends in {where(longest + 1)}. Rows are taken as they come, one a step"
    )


def in_words(seconds: float) -> str:
    """`90` is `1.5 minutes`."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    # Weeks are counted only where they are whole.
    if unit == "week" and seconds % size:
        size, unit = _DAY, "day"
    number = f"{seconds / size:.3g}" if seconds / size < 1000 else f"{seconds / size:,.0f}"
    return f"{number} {unit}{'s' * (number != '1')}"


def _written(time: np.datetime64 | float) -> str:
    return str(pd.Timestamp(time)) if isinstance(time, np.datetime64) else f"{time:g}"
