"""A series: columns of numbers, a row a step; with times that rise, or without any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnbench.datasets.own.looks.clock import Clock, clock_of
from rnnbench.datasets.own.looks.columns import TARGETS, TIMES, Column, by_name, split_of, unreadable
from rnnbench.datasets.own.looks.dates import parts_of_dates
from rnnbench.datasets.own.looks.found import SeriesLook
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.table import Table
from rnnbench.text.wording import count_of

FEWEST_ROWS = 50
"""Rows of a series from which windows of training, validation and test can be cut."""


def timeline(columns: Sequence[Column]) -> Column | None:
    """The column of the times: dates that rise, or numbers that rise and are called like times."""
    rising = [one for one in columns if one.kind in ("times", "numbers") and one.rises]
    dated = [one for one in rising if one.times is not None and one.times.dated]
    counted = [one for one in rising if one.kind == "numbers" and one.is_called(TIMES)]
    return next(iter(dated + counted), None)


def clock(time: Column | None, columns: Sequence[Column]) -> tuple[Clock | None, list[Column]]:
    """What the times say, or else columns such as year and month together, and these; None without dates."""
    if time is None:
        return parts_of_dates(columns)
    return (clock_of(time.times.values) if time.times is not None and time.times.dated else None), []


def of_table(found: Table, columns: Sequence[Column], time: Column | None) -> SeriesLook | None:
    """The series, or None without a column of numbers. Raises `UserError` if it is too short or never changes."""
    split, split_rows = _split(columns)
    dates, parts = clock(time, columns)
    roles = [one for one in columns if one is time or one.name == split or one in parts]
    numbers = [one for one in columns if one.holds_numbers and one not in roles]
    numbers = [one for one in numbers if not one.counts_rows]
    changing = [one for one in numbers if one.distinct > 1]
    if not numbers:
        return None
    if not changing:
        raise mistake(found.path, "every column of numbers is constant: there is nothing to forecast")
    rows = len(found.frame)
    if rows < FEWEST_ROWS:
        raise mistake(
            found.path,
            f"{count_of(rows, 'row')}, but a series needs {FEWEST_ROWS} or more: for windows to train on, to choose by "
            "and to test on",
        )
    called = by_name(changing, TARGETS)
    target = called or changing[-1]
    left = [one for one in columns if one not in changing and one not in roles and one.mistake is None]
    return SeriesLook(
        path=found.path,
        why=_why(time, dates, parts),
        notes=(*found.told, *_left_out(left), *unreadable(columns, found.path)),
        rows=rows,
        time=time.name if time else None,
        clock=dates,
        columns=tuple(one.name for one in changing),
        target=target.name,
        target_why="by its name" if called else "the last column of numbers" if len(changing) > 1 else "the only one",
        missing=sum(one.missing for one in changing),
        split=split,
        split_rows=split_rows,
    )


def _why(time: Column | None, dates: Clock | None, parts: Sequence[Column]) -> str:
    if parts:
        named = ", ".join(f"'{one.name}'" for one in parts)
        return f"columns {named} say times that rise from row to row; only their step is used"
    if time is None:
        return "it has columns of numbers; no times rise, so the rows are taken as steps in their order"
    kind = "numbers" if dates is None else "times"
    return f"column '{time.name}' holds {kind} that rise from row to row"


def _left_out(left: Sequence[Column]) -> tuple[str, ...]:
    notes = [f"left out: '{one.name}', which counts the rows" for one in left if one.counts_rows]
    notes += [
        f"left out: '{one.name}', which never changes" for one in left if one.kind == "numbers" and not one.counts_rows
    ]
    others = [one.told for one in left if one.kind != "numbers"]
    return (*notes, *([f"left out: {', '.join(others)}"] if others else []))


def _split(columns: Sequence[Column]) -> tuple[str | None, tuple[int, int, int] | None]:
    """The column of the split and the rows of each, if training rows come first, then validation, then test."""
    name = split_of(columns)
    if name is None:
        return None, None
    cells = next(one for one in columns if one.name == name).cells.str.strip().str.lower()
    order = np.where(cells.str.startswith("train"), 0, np.where(cells.str.startswith("test"), 2, 1))
    train, validation, test = np.bincount(order, minlength=3).tolist()
    return (name, (train, validation, test)) if validation and (np.diff(order) >= 0).all() else (None, None)
