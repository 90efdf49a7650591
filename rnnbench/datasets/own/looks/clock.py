"""The step of a series, and how long so many steps are, in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

_DAY = 86_400.0
_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": _DAY, "week": 7 * _DAY}
_CALENDAR = {
    "month": (28 * _DAY, 31 * _DAY, 12),
    "quarter": (89 * _DAY, 92 * _DAY, 4),
    "year": (365 * _DAY, 366 * _DAY, 1),
}
"""Shortest and longest in seconds, and how many make a year."""
_TOLERANCE = 0.01
_LONGEST_SEASON = 150
"""Steps; a network reads at least one season."""
_SHORTEST_SEASON = 4
_WEEK_OF_WORK = 5
_WEEKS_OF_YEAR = 52


class Clock(NamedTuple):
    """What the times of a series say."""

    first: str
    last: str
    seconds: float
    """The median step."""
    unit: str | None
    """`month`, `quarter` or `year`, whose lengths differ; None: another step."""
    workdays: bool
    """Whether a row is a day, but none at weekends."""
    irregular: int
    """Steps of another length."""
    steps: int

    @property
    def is_regular(self) -> bool:
        """Whether nine steps of ten are alike."""
        return self.irregular <= 0.1 * self.steps

    @property
    def season(self) -> int | None:
        """Steps of the longest cycle (minute, hour, day, week, year) of 4 to 150 steps; None: there is none."""
        if self.unit:
            return _CALENDAR[self.unit][2] if self.unit != "year" else None
        if self.workdays:
            return _WEEK_OF_WORK
        counts = [length / self.seconds for length in _UNITS.values()]
        whole = [round(n) for n in counts if abs(n - round(n)) <= _TOLERANCE * n]
        if _is_near(self.seconds, _UNITS["week"]):
            whole.append(_WEEKS_OF_YEAR)
        return max((n for n in whole if _SHORTEST_SEASON <= n <= _LONGEST_SEASON), default=None)

    @property
    def step(self) -> str:
        """`1 hour`, `10 minutes`."""
        return self.words(1)

    def words(self, steps: int) -> str:
        """How long so many steps are, in the largest unit that fits: `1 day`."""
        if self.unit:
            of_year = _CALENDAR[self.unit][2]
            return _counted(steps / of_year, "year") if steps % of_year == 0 else _counted(steps, self.unit)
        if self.workdays:
            weeks, rest = divmod(steps, _WEEK_OF_WORK)
            return _counted(weeks, "week") if weeks and not rest else _counted(steps, "workday")
        seconds = steps * self.seconds
        if _is_near(self.seconds, _UNITS["week"]) and steps % _WEEKS_OF_YEAR == 0:
            return _counted(steps / _WEEKS_OF_YEAR, "year")
        for unit, length in reversed(_UNITS.items()):
            n = seconds / length
            if n >= 1 - _TOLERANCE and abs(n - round(n)) <= _TOLERANCE:
                return _counted(round(n), unit)
        unit, length = next(((u, s) for u, s in reversed(_UNITS.items()) if seconds >= s), ("second", 1.0))
        return _counted(seconds / length, unit)


def clock_of(times: np.ndarray) -> Clock:
    """The clock of rising times, (rows,) datetime64, at least two."""
    gaps = np.diff(times) / np.timedelta64(1, "ns") / 1e9
    median = float(np.median(gaps))
    unit = next((name for name, (low, high, _) in _CALENDAR.items() if low <= median <= high), None)
    if unit == "month" and _is_near(median, 28 * _DAY):
        unit = None  # four weeks
    low, high = _CALENDAR[unit][:2] if unit else (median * (1 - _TOLERANCE), median * (1 + _TOLERANCE))
    days = pd.DatetimeIndex(times).dayofweek
    workdays = _is_near(median, _DAY) and len(times) > 2 * _WEEK_OF_WORK and bool((days < _WEEK_OF_WORK).all())
    alike = (gaps >= low) & (gaps <= high)
    if workdays:
        # From Friday to Monday.
        alike |= np.isclose(gaps, 3 * _DAY) & (days[:-1] == _WEEK_OF_WORK - 1)
    return Clock(_shown(times[0]), _shown(times[-1]), median, unit, workdays, int((~alike).sum()), len(gaps))


def _shown(time: np.datetime64) -> str:
    found = pd.Timestamp(time)
    return f"{found:%Y-%m-%d}" if found == found.normalize() else f"{found:%Y-%m-%d %H:%M}"


def _is_near(value: float, other: float) -> bool:
    return abs(value - other) <= _TOLERANCE * other


def _counted(number: float, thing: str) -> str:
    return f"{number:.3g} {thing}{'s' * (number != 1)}"
