"""What each column of a table holds."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from rnnbench.datasets.own import table
from rnnbench.datasets.own.place import shown
from rnnbench.datasets.own.table import Table
from rnnbench.datasets.own.times import Times, read_times
from rnnbench.errors import UserError

Kind = Literal["numbers", "times", "text", "empty"]

TARGETS = ("target", "y", "value", "label", "output", "ot")
LABELS = ("label", "labels", "class", "target", "y", "category", "sentiment", "topic", "activity", "outcome",
          "diagnosis", "genre", "language", "lang", "species", "kind", "type", "rating", "stars", "score",
          "output")  # fmt: skip
TIMES = ("time", "date", "datetime", "timestamp", "ts", "year", "month", "week", "day", "period", "t", "hour", "epoch")
IDS = ("id", "ids", "sequence", "series", "subject", "patient", "user", "customer", "unit", "sample", "trial",
       "session", "engine", "device", "group", "episode", "case", "symbol", "entity", "key")  # fmt: skip
MOST_CLASSES = 50
_SPLITS = {"train", "training", "validation", "val", "valid", "dev", "test", "testing"}
_SAMPLE = 100
_DATE = re.compile(r"\d{1,4}[-/.: ]\d{1,2}|\d{4}-?[A-Za-z]|[A-Za-z]{3,9}[ .,-]+\d|\d{1,2}[ .-][A-Za-z]{3}|^\d{8}$")
"""Digits with a sign of dates between them; pandas would take `may` and `1` for times."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column, and what it holds."""

    name: str
    kind: Kind
    missing: int
    distinct: int
    cells: pd.Series
    """Numbers as float64, texts as str, times as the file has them."""
    times: Times | None = None
    """Its times; None: it holds none, or some cells are missing or wrong, as `mistake` says."""
    mistake: UserError | None = None
    """Why numbers or times that it seems to hold cannot be used."""

    @property
    def holds_numbers(self) -> bool:
        """Whether all of its cells are numbers, or missing."""
        return self.kind == "numbers" and self.mistake is None

    @property
    def rises(self) -> bool:
        """Whether each row has a later time, or a higher number, than the row before."""
        if self.mistake is not None:
            return False
        values = self.times.values if self.times else self.cells.to_numpy()
        return len(values) > 1 and not self.missing and bool((values[1:] > values[:-1]).all())

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers alone."""
        return self.holds_numbers and bool((self.cells.dropna() % 1 == 0).all())

    @property
    def counts_rows(self) -> bool:
        """Whether it is the number of the row."""
        return self.holds_numbers and self.rises and bool((np.diff(self.cells) == 1).all()) and self.cells[0] in (0, 1)

    @property
    def told(self) -> str:
        """What it holds, as messages say it: `'price' (numbers)`."""
        what = {"text": f"text, {self.distinct:,} different", "empty": "no values"}.get(self.kind, self.kind)
        what = "the number of the row" if self.counts_rows else what
        return f"'{self.name}' ({what})"

    def is_called(self, names: Iterable[str]) -> bool:
        """Whether its name, or a part of it, is one of them."""
        return bool(set(parts(self.name)) & set(names))


def parts(name: str) -> list[str]:
    """The words of a name, in small letters, and the whole of it: `user_id` is `user`, `id` and `user_id`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return [one for one in re.split(r"[^a-z0-9]+", spaced.lower()) if one] + [name.strip().lower()]


def columns_of(found: Table) -> list[Column]:
    """The columns of a whole table."""
    numeric = set(found.numeric())
    return [_column(found, str(name), str(name) in numeric) for name in found.frame]


def _column(found: Table, name: str, is_numeric: bool) -> Column:
    cells = found.frame[name]
    if not (table.is_numeric(cells) or pd.api.types.is_datetime64_any_dtype(cells.dtype)):
        cells = found.text(name)
    missing, distinct = int(cells.isna().sum()), int(cells.nunique())
    if missing == len(cells):
        return Column(name, "empty", missing, 0, cells)
    if pd.api.types.is_datetime64_any_dtype(cells.dtype) or (not is_numeric and _like_times(cells, found.path)):
        return _of_times(found, name, missing, distinct, cells)
    if not is_numeric:
        return Column(name, "text", missing, distinct, cells)
    if set(parts(name)) & set(TIMES) and not missing:
        times = _times(found, name)
        if isinstance(times, Times) and times.dated:
            return Column(name, "times", 0, distinct, cells, times)
    try:
        numbers = pd.Series(found.numbers(name))
    except UserError as error:
        return Column(name, "numbers", missing, distinct, cells, mistake=error)
    return Column(name, "numbers", int(numbers.isna().sum()), distinct, numbers)


def _of_times(found: Table, name: str, missing: int, distinct: int, cells: pd.Series) -> Column:
    times = _times(found, name)
    if isinstance(times, UserError):
        return Column(name, "times", missing, distinct, cells, mistake=times)
    return Column(name, "times", missing, distinct, cells, times)


def _times(found: Table, name: str) -> Times | UserError:
    try:
        return found.times(name)
    except UserError as error:
        return error


def _like_times(cells: pd.Series, path: str) -> bool:
    """Whether nine of ten of some cells look like times, and are."""
    sample = cells.dropna()
    sample = sample.iloc[np.linspace(0, len(sample) - 1, min(len(sample), _SAMPLE)).astype(int)]
    alike = sample[sample.str.contains(_DATE)]
    if len(alike) < 0.9 * len(sample) or sample.str.len().max() > 40:
        return False
    # A wrong cell among them is a mistake of the file, to be told as one.
    for some in (alike, alike.iloc[: len(alike) // 2], alike.iloc[len(alike) // 2 :]):
        with contextlib.suppress(UserError):
            read_times(some.reset_index(drop=True), "", path, str)
            return True
    return False


def split_of(columns: Sequence[Column]) -> str | None:
    """The column that holds train, validation and test, or train and test."""
    for one in columns:
        if one.kind == "text" and not one.missing and one.distinct <= len(_SPLITS):
            held = set(one.cells.str.strip().str.lower())
            if held <= _SPLITS and held & {"train", "training"} and held & {"test", "testing"}:
                return one.name
    return None


def unreadable(columns: Iterable[Column], path: str) -> tuple[str, ...]:
    """Notes on the columns that cannot be read."""
    return tuple(f"left out: {what_is_wrong(one, path)}" for one in columns if one.mistake is not None)


def what_is_wrong(column: Column, path: str) -> str:
    """The mistake in a column, without the name of the file."""
    return str(column.mistake).removeprefix(f"{shown(path)}: ")


def by_name(columns: Sequence[Column], names: Sequence[str]) -> Column | None:
    """The first column whose whole name is one of `names`, in their order; else one with such a word in its name."""
    for name in names:
        for one in columns:
            if one.name.strip().lower() == name:
                return one
    return next((one for name in names if len(name) > 1 for one in columns if name in parts(one.name)), None)
