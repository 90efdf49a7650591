"""A series of the user's as a standardised array, from the columns of a table over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rnnbench.datasets.own import missing as gaps
from rnnbench.datasets.own import splits, table
from rnnbench.datasets.own.mistake import mistake, unknown_column
from rnnbench.datasets.own.pace import Pace, pace
from rnnbench.datasets.own.splits import Borders

_FLOAT32_ROUNDING = 1e-14


class RecordedSeries(NamedTuple):
    """What a file holds."""

    values: np.ndarray
    """(rows, columns) float64, standardised with the training rows, gaps filled forward."""
    borders: Borders
    columns: tuple[str, ...]
    asked: tuple[int, ...]
    """Indices of the columns that are forecast."""
    absent: np.ndarray | None
    """(rows, columns) bool: values that were missing, with `missing: mask`."""
    pace: Pace | None
    """Where the column of the times is named."""
    told: tuple[str, ...]
    """How the file was read, where another reading was possible."""
    notes: tuple[str, ...]
    """What a user should know before a run."""


def read(
    path: str,
    time: str | None,
    columns: Sequence[str] | None,
    target: Sequence[str] | None,
    split: tuple[float, ...] | tuple[str, ...] | str,
    missing: gaps.Missing,
) -> RecordedSeries:
    """Read a series. Raises `UserError`, in one line with the place, for whatever is wrong with the file.

    `columns`: default all columns of numbers; `target`: default all of them.
    """
    of_splits = splits.column_of(split)
    beside = [name for name in (time, of_splits) if name is not None]
    texts = [of_splits] if of_splits else []
    found = table.read(path, None if columns is None else [*columns, *beside], texts=texts)
    for name in beside:
        if name not in found.columns:
            raise unknown_column(path, name, found.columns)
    names = _columns(found, columns, beside)
    asked = _asked(path, names, target)
    rows = len(found.frame)
    where = found.where
    times = None if time is None else found.times(time)
    step = None if times is None or time is None else pace(times, time, path, where)
    cells = None if of_splits is None else found.frame[of_splits]
    borders = splits.in_time(split, rows, path, where, times, cells)
    values = _numbers(found, names)
    told = tuple(found.told)
    absent = _complete(values, borders, names, path, where, missing)
    notes = [step.note] if step is not None and step.note else []
    notes += [times.told] if times is not None and times.told else []
    return RecordedSeries(values, borders, names, asked, absent, step, told, tuple(notes))


def _columns(found: table.Table, columns: Sequence[str] | None, beside: Sequence[str]) -> tuple[str, ...]:
    names = tuple(columns) if columns is not None else tuple(name for name in found.numeric() if name not in beside)
    if not names:
        raise mistake(found.path, f"no column of numbers among {', '.join(found.columns)}")
    both = next((name for name in names if name in beside), None)
    if both is not None:
        raise mistake(found.path, f"column '{both}' cannot be among `columns`: it holds the times or the splits")
    return names


def _asked(path: str, names: tuple[str, ...], target: Sequence[str] | None) -> tuple[int, ...]:
    for name in target or ():
        if name not in names:
            raise mistake(path, f"target '{name}' is not among the columns that are read: {', '.join(names)}")
    return tuple(range(len(names))) if target is None else tuple(names.index(name) for name in target)


def _numbers(found: table.Table, names: Sequence[str]) -> np.ndarray:
    """(rows, columns); each column leaves the table when it is taken, so that the file is not held twice."""
    values = np.empty((len(found.frame), len(names)))
    for at, name in enumerate(names):
        values[:, at] = _as_stored(found.numbers(name))
        del found.frame[name]
    return values


def _as_stored(numbers: np.ndarray) -> np.ndarray:
    """32-bit numbers that were written with some 16 digits, as they were: 1.5989999771118164 is 1.599 of 32 bits."""
    with np.errstate(over="ignore"):
        stored = numbers.astype(np.float32).astype(np.float64)
    written = np.isnan(numbers) | (np.abs(numbers - stored) <= _FLOAT32_ROUNDING * np.abs(numbers))
    return stored if written.all() else numbers


def _complete(
    values: np.ndarray,
    borders: Borders,
    names: Sequence[str],
    path: str,
    where: Callable[[int], str],
    missing: gaps.Missing,
) -> np.ndarray | None:
    """Scale (rows, columns) in place and fill their gaps; where they were, for a mask."""
    if missing == "refuse":
        gaps.refuse(values, names, path, where)
    absent = np.isnan(values) if missing == "mask" else None
    scale = gaps.scale_of(values[slice(*borders["train"])], names, path)
    values -= scale.mean
    values /= np.where(scale.constant, 1.0, scale.deviation)
    values[:, scale.constant] = 0
    # The training mean is now 0.
    gaps.fill_forward(values, 0.0)
    return absent
