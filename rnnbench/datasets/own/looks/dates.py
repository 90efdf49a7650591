"""Times that stand in several columns: year and month, or year, month, day and hour."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from rnnbench.datasets.own.looks.clock import Clock, clock_of
from rnnbench.datasets.own.looks.columns import Column

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_UNITS = (("month", "quarter"), ("day",), ("hour",), ("minute",))
"""Below the year, from long to short."""


def parts_of_dates(columns: Sequence[Column]) -> tuple[Clock | None, list[Column]]:
    """The clock of columns `year`, `month` (or `quarter`) and perhaps `day`, `hour`, `minute`, and these columns.

    (None, []) if there are none, or the times that they say do not rise.
    """
    called = {one.name.strip().lower(): one for one in columns if one.mistake is None and not one.missing}
    chosen = [called["year"]] if "year" in called else []
    for names in _UNITS if chosen else ():
        found = next((called[name] for name in names if name in called), None)
        if found is None:
            break
        chosen.append(found)
    if len(chosen) < 2:
        return None, []
    with contextlib.suppress(ValueError, OverflowError):
        parts = {one.name.strip().lower(): _numbers(one) for one in chosen}
        if "quarter" in parts:
            parts["month"] = 3 * parts.pop("quarter") - 2
        times = pd.to_datetime(pd.DataFrame({"day": 1} | parts)).to_numpy()
        if bool((np.diff(times) > np.timedelta64(0)).all()):
            return clock_of(times), chosen
    return None, []


def _numbers(column: Column) -> pd.Series:
    """The cells as numbers; names of months as theirs. Raises `ValueError`."""
    if column.times is not None:
        return pd.Series(column.times.values).dt.year
    if column.kind == "text":
        return column.cells.str.strip().str.lower().str[:3].map(_MONTHS.index) + 1
    return column.cells
