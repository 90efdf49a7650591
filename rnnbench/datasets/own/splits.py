"""Which rows are for training, validation and test: by shares, by dates, or as a column of the file says."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from rnnbench.datasets.own.mistake import mistake
from rnnbench.registry import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from rnnbench.datasets.own.times import Times

SPLITS = ("train", "validation", "test")
_NAMES = {"train": "train", "training": "train", "validation": "validation", "val": "validation", "valid": "validation",
          "dev": "validation", "test": "test", "testing": "test"}  # fmt: skip
_SEED = 0

Borders = dict[str, tuple[int, int]]
"""First row, and row behind the last, of each split."""


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        if not value:
            raise ValueError("should be three shares, two or three dates, or the name of a column")
        return value
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        raise ValueError("should be three shares such as [0.7, 0.1, 0.2], two or three dates, or the name of a column")
    if all(isinstance(one, int | float) and not isinstance(one, bool) and one <= 1 for one in value):
        return _shares(value)
    return _dates(value)


def _shares(value: Any) -> tuple[float, ...]:
    if len(value) != 3:
        raise ValueError("needs three shares: of training, validation and test rows")
    if any(share <= 0 for share in value):
        raise ValueError(f"{list(value)}: each share must be above 0")
    if not math.isclose(sum(value), 1, abs_tol=1e-6):
        raise ValueError(f"{list(value)}: the shares add up to {sum(value):g}, not to 1")
    return tuple(float(share) for share in value)


def _dates(value: Any) -> tuple[str, ...]:
    texts = tuple(str(one) for one in value)
    found = []
    for text in texts:
        try:
            found.append(date(text))
        except (ValueError, OverflowError):
            raise ValueError(
                f"'{text}' is not a date such as 2017-05-01; a list holds three shares that add up to 1, or dates"
            ) from None
    if any(later <= earlier for earlier, later in itertools.pairwise(found)):
        raise ValueError(f"the dates {', '.join(texts)} must be in order: first validation day, first test day, end")
    return texts


def date(text: str) -> pd.Timestamp:
    """A date of the setting `split`, year first. Raises `ValueError`."""
    import pandas as pd

    time = pd.to_datetime(text, format="ISO8601", utc=True)
    if pd.isna(time):
        raise ValueError(text)
    return time.tz_localize(None)


SplitSetting = Annotated[tuple[float, ...] | tuple[str, ...] | str, BeforeValidator(_valid)]
"""The setting `split`: shares of training, validation and test, which add up to 1; or dates, the first validation day,
the first test day, and perhaps the end (exclusive); or the name of a column that holds `train`, `validation` (or `val`,
`valid`, `dev`) and `test`."""


def column_of(setting: Any) -> str | None:
    """The column that `split` names, if it names one."""
    return setting if isinstance(setting, str) else None


def by_dates(setting: Any) -> bool:
    """Whether `split` is two or three dates."""
    return not isinstance(setting, str) and isinstance(setting[0], str)


def in_time(
    setting: Any,
    rows: int,
    path: str,
    where: Callable[[int], str],
    times: Times | None = None,
    column: pd.Series | None = None,
) -> Borders:
    """The borders of a series: training rows first, then validation, then test.

    `times`: needed for dates; `column`: the cells of the column that `setting` names. Of shares, training and test are
    rounded down, and validation is the rest (as LTSF-Linear, Zeng et al. 2023). Raises `UserError` if a split is empty,
    a date lies outside the file, or a column mixes the splits.
    """
    if column is not None:
        return _of_column(column, str(setting), path, where)
    if by_dates(setting):
        return _of_dates(setting, rows, path, times)
    train, test = (math.floor(rows * share + 1e-9) for share in (setting[0], setting[2]))
    borders = {"train": (0, train), "validation": (train, rows - test), "test": (rows - test, rows)}
    return _none_empty(borders, path, f"the shares {list(setting)} of {rows:,} rows")


def _of_dates(setting: tuple[str, ...], rows: int, path: str, times: Times | None) -> Borders:
    import pandas as pd

    if times is None:
        raise mistake(path, "a split by dates needs the column of the times: set `time`")
    if not times.dated:
        raise mistake(path, f"a split by dates, but `time` holds numbers, from {times.values[0]:g} on")
    first, last = (pd.Timestamp(time) for time in (times.values[0], times.values[-1]))
    at = []
    for text in setting:
        if not first <= date(text) <= last:
            # A last row on the day before is no gap: the end may be the day after.
            if text == setting[-1] and len(setting) == 3 and date(text) > last:
                at.append(rows)
                continue
            raise mistake(path, f"split: {text} is outside the file, which holds {first} to {last}")
        at.append(int(np.searchsorted(times.values, date(text).to_datetime64())))
    borders = {"train": (0, at[0]), "validation": (at[0], at[1]), "test": (at[1], at[2] if len(at) > 2 else rows)}
    return _none_empty(borders, path, f"the dates {', '.join(setting)}")


def _of_column(column: pd.Series, name: str, path: str, where: Callable[[int], str]) -> Borders:
    split = _named(column, name, path, where)
    order = np.array([SPLITS.index(one) for one in split])
    back = np.flatnonzero(np.diff(order) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise mistake(
            path,
            f"{where(row)}, column '{name}': {split[row]} rows follow {split[row - 1]} rows; "
            "in a series training comes first, then validation, then test",
        )
    borders = {one: (int((order < at).sum()), int((order <= at).sum())) for at, one in enumerate(SPLITS)}
    return _none_empty(borders, path, f"column '{name}'")


def _named(column: pd.Series, name: str, path: str, where: Callable[[int], str]) -> np.ndarray:
    cells = column.astype("object").where(column.notna(), "").astype(str).str.strip().str.lower()
    split = cells.map(_NAMES)
    if split.isna().any():
        row = int(np.argmax(split.isna()))
        meant = did_you_mean(cells.iloc[row], SPLITS)
        raise mistake(
            path, f"{where(row)}, column '{name}': '{column.iloc[row]}' is not train, validation or test{meant}"
        )
    return split.to_numpy(dtype=object)


def _none_empty(borders: Borders, path: str, given: str) -> Borders:
    for split, (first, last) in borders.items():
        if last <= first:
            raise mistake(path, f"{given} leave no {split} rows")
    return borders


def at_random(
    setting: Any,
    rows: int,
    path: str,
    where: Callable[[int], str],
    labels: np.ndarray | None = None,
    column: pd.Series | None = None,
) -> dict[str, np.ndarray]:
    """The rows (ascending) of each split of a table whose rows have no order.

    By shares: at random, always the same, and each class in the same shares if `labels`, (rows,), are given. `column`:
    the cells of the column that `setting` names. Raises `UserError` for dates, and if a split is empty.
    """
    if column is not None:
        split = _named(column, str(setting), path, where)
        found = {one: np.flatnonzero(split == one) for one in SPLITS}
    elif by_dates(setting):
        raise mistake(path, "a split by dates is for series; give shares such as [0.7, 0.1, 0.2], or a column")
    else:
        order = _spread(rows, labels)
        borders = in_time(setting, rows, path, where)
        found = {one: np.sort(order[first:last]) for one, (first, last) in borders.items()}
    for one, members in found.items():
        if not len(members):
            raise mistake(path, f"column '{setting}' leaves no {one} rows")
    return found


def _spread(rows: int, labels: np.ndarray | None) -> np.ndarray:
    """A random order of which every stretch holds the classes in equal shares."""
    order = np.random.default_rng(_SEED).permutation(rows)
    if labels is None:
        return order
    place = np.empty(rows)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return order[np.argsort(place[order], kind="stable")]
