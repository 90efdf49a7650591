"""Times as pandas reads them; a day before its month only where the column itself shows it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from rnnbench.datasets.own.mistake import mistake
from rnnbench.errors import UserError

_PARTS = r"^\s*(\d{1,2})([/.\-])(\d{1,2})[/.\-](?:\d{4}|\d{2})(?!\d)"
_UNITS = {"s": (1e8, 1e11), "ms": (1e11, 1e14), "us": (1e14, 1e17), "ns": (1e17, 9.2e18)}


class Times(NamedTuple):
    """A column of times."""

    values: np.ndarray
    """(rows,) datetime64[ns], in UTC where the file says a zone; or float64, of numbers that are no dates."""
    told: str
    """How they were read, where another reading was possible; else empty."""

    @property
    def dated(self) -> bool:
        """Whether they are dates, and not numbers that only count."""
        return self.values.dtype.kind == "M"


def read_times(cells: pd.Series, name: str, path: str, where: Callable[[int], str]) -> Times:
    """The cells of a column as times. Raises `UserError` with the first cell that is missing or no time."""
    empty = cells.isna() | (cells == "" if isinstance(cells.dtype, pd.StringDtype) else False)
    if empty.any():
        row = int(np.argmax(empty))
        raise mistake(path, f"{where(row)}, column '{name}': the time is missing ({int(empty.sum()):,} in all)")
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return Times(cells.to_numpy().astype("datetime64[ns]"), "")
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return _of_numbers(cells.to_numpy(dtype=np.float64), name)
    told, day_first = "", False
    if re.match(_PARTS, cells.iloc[0]):
        parts = cells.str.extract(_PARTS)
        if parts[0].notna().all():
            day_first, told = _day_first(cells, parts, name, path, where)
    return Times(_parsed(cells, day_first, name, path, where), told)


def _of_numbers(numbers: np.ndarray, name: str) -> Times:
    """Years, dates such as 20170131, or seconds since 1970; else numbers that only count."""
    whole = bool((numbers % 1 == 0).all())
    low, high = numbers.min(), numbers.max()
    for form, least, most in (("%Y", 1600, 2200), ("%Y%m", 160_001, 220_012), ("%Y%m%d", 16_000_101, 22_001_231)):
        if whole and least <= low and high <= most:
            dates = pd.to_datetime(pd.Series(numbers.astype(np.int64)).astype(str), format=form, errors="coerce")
            if dates.notna().all() and (form != "%Y" or len(np.unique(numbers)) == len(numbers)):
                return Times(dates.to_numpy().astype("datetime64[ns]"), f"column '{name}' read as {form}")
    for unit, (early, late) in _UNITS.items():
        if early <= low and high < late:
            dates = pd.to_datetime(pd.Series(numbers), unit=unit)  # type: ignore[call-overload]
            return Times(dates.to_numpy().astype("datetime64[ns]"), f"column '{name}' read as {unit} since 1970")
    return Times(numbers, "")


def _day_first(
    cells: pd.Series, parts: pd.DataFrame, name: str, path: str, where: Callable[[int], str]
) -> tuple[bool, str]:
    first, second = (parts[column].astype(int).to_numpy() for column in (0, 2))
    if (first > 12).any() and (second > 12).any():
        row = int(np.argmax(second > 12) if np.argmax(first > 12) < np.argmax(second > 12) else np.argmax(first > 12))
        other = "day" if first[row] <= 12 else "month"
        raise mistake(
            path, f"{where(row)}, column '{name}': '{cells.iloc[row]}' has the {other} second, earlier rows first"
        )
    if (first > 12).any() or (second > 12).any():
        return bool((first > 12).any()), ""
    # A point is written where the day comes first.
    if (parts[1] == ".").all():
        return True, f"column '{name}' read as day.month.year"
    sorted_as = [_is_sorted(cells, day_first) for day_first in (False, True)]
    day_first = sorted_as == [False, True]
    order = "day/month/year" if day_first else "month/day/year"
    return day_first, f"column '{name}' read as {order}" + ("" if sum(sorted_as) == 1 else ", which may be wrong")


def _is_sorted(cells: pd.Series, day_first: bool) -> bool:
    try:
        times = _read(cells, None, day_first)
    except (ValueError, OverflowError):
        return False
    return bool(times.is_monotonic_increasing)


def _parsed(cells: pd.Series, day_first: bool, name: str, path: str, where: Callable[[int], str]) -> np.ndarray:
    for form in (None,) if day_first else ("ISO8601", None):
        try:
            return _without_zone(_read(cells, form, day_first))
        except (ValueError, OverflowError):
            continue
    raise _first_wrong(cells, day_first, name, path, where)


def _read(
    cells: pd.Series, form: str | None, day_first: bool, errors: Literal["raise", "coerce"] = "raise"
) -> pd.Series:
    with warnings.catch_warnings():
        # Forms that pandas does not know are read one by one, and it says so.
        warnings.simplefilter("ignore", UserWarning)
        return pd.to_datetime(cells, format=form, dayfirst=day_first, errors=errors, utc=True)


def _without_zone(times: pd.Series) -> np.ndarray:
    return times.dt.tz_localize(None).to_numpy().astype("datetime64[ns]")


def _first_wrong(cells: pd.Series, day_first: bool, name: str, path: str, where: Callable[[int], str]) -> UserError:
    read = [_read(cells, form, day_first, "coerce").isna() for form in ("ISO8601", None)]
    wrong = min(read, key=lambda bad: int(bad.sum())).to_numpy()
    row = int(np.argmax(wrong))
    like = "" if row == 0 else f" in the form of the first, '{cells.iloc[0]}'"
    shown = re.sub(r"\s+", " ", str(cells.iloc[row]))[:40]
    return mistake(path, f"{where(row)}, column '{name}': '{shown}' cannot be read as a time{like}")
