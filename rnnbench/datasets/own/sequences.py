"""Sequences of the user's, as rows one behind the other: a table with an id, or the arrays of an `.npz`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rnnbench.datasets.own import table
from rnnbench.datasets.own.labels import Where
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.table import Table


class Sequences(NamedTuple):
    """n sequences of `lengths` rows, one behind the other, in the order of the file."""

    path: str
    names: tuple[str, ...]
    """Of the features."""
    column: Callable[[int], np.ndarray]
    """A feature, by its place: (rows,) numbers, NaN where one is missing."""
    lengths: np.ndarray
    """(n,) rows of each sequence, at least 1."""
    labels: pd.Series | np.ndarray
    """(n,) or (rows,) of text or numbers; or several numbers each, (n, k) or (rows, k)."""
    per_step: bool
    """Whether each row has a label; else each sequence has."""
    split: pd.Series | None
    """(n,) the split of each sequence; None: the file does not say."""
    where: Where
    """The place of a sequence in the file."""
    where_row: Where
    """The place of a row in the file."""
    label: str
    """What messages call the labels."""
    told: tuple[str, ...] = ()
    """What was taken that the file does not say itself."""

    @property
    def starts(self) -> np.ndarray:
        """(n,) the first row of each sequence."""
        return np.cumsum(self.lengths) - self.lengths

    def rows_of(self, chosen: np.ndarray) -> np.ndarray:
        """The rows of some sequences."""
        return spans(self.starts[chosen], self.lengths[chosen])


class Columns(NamedTuple):
    """What the columns of a table are; None: by the defaults of `from_table`."""

    id: str
    step: str | None
    features: Sequence[str] | None
    label: str
    split: str | None


def spans(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each start and the `lengths` - 1 numbers that follow it, one behind the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def from_table(path: str, columns: Columns, per: str | None, longest: int | None) -> Sequences:
    """The sequences of a table: rows with the same id, sorted by `step` (default: in the order of the file).

    `features` default to all columns of numbers but those with another use. `per`: `sequence`, `step` or None: by
    sequence if no label changes within one. `longest`: rows kept, from the end of each sequence.
    """
    named = [columns.id, columns.label, *(one for one in (columns.step, columns.split) if one)]
    if len(set(named)) < len(named):
        twice = next(name for at, name in enumerate(named) if name in named[:at])
        raise mistake(path, f"column '{twice}' has two uses; id, step, label and split are columns of their own")
    wanted = None if columns.features is None else [*named, *columns.features]
    found = table.read(path, wanted, texts=[columns.id])
    for name in named:
        if name not in found.frame:
            table.read(path, [name])  # it says that there is no such column
    names = _features(found, columns, named)
    codes, order = _ordered(found, columns)
    lengths = np.bincount(codes)
    if longest is not None and lengths.max() > longest:
        kept = np.minimum(lengths, longest)
        order, lengths = order[spans(np.cumsum(lengths) - kept, kept)], kept
    starts = np.cumsum(lengths) - lengths

    def where_row(row: int) -> str:
        return found.where(int(order[row]))

    def where(sequence: int) -> str:
        return where_row(int(starts[sequence]))

    labels = found.frame[columns.label]
    labels = labels if table.is_numeric(labels) else found.text(columns.label)
    labels = labels.iloc[order].reset_index(drop=True)
    changed = _change(labels, lengths)
    if per == "sequence" and changed is not None:
        first = int(starts[np.searchsorted(starts, changed, side="right") - 1])
        raise mistake(
            path,
            f"{where_row(changed)}: the label '{labels[changed]}', but '{labels[first]}' in {where_row(first)} of the "
            "same sequence; set `label_per: step` if each step has its own",
        )
    per_step = per == "step" or (per is None and changed is not None)
    split = None
    if columns.split:
        split = found.text(columns.split).iloc[order].reset_index(drop=True)
        moved = _change(split, lengths)
        if moved is not None:
            raise mistake(path, f"{where_row(moved)}, column '{columns.split}': a sequence lies in two splits")
        split = split.iloc[starts].reset_index(drop=True)
    return Sequences(
        path,
        names,
        lambda at: found.numbers(names[at])[order],
        lengths,
        labels if per_step else labels.iloc[starts].reset_index(drop=True),
        per_step,
        split,
        where,
        where_row,
        f"column '{columns.label}'",
        tuple(found.told),
    )


def _features(found: Table, columns: Columns, named: Sequence[str]) -> tuple[str, ...]:
    if columns.features is None:
        names = tuple(name for name in found.numeric() if name not in named)
        if not names:
            raise mistake(found.path, "no column of numbers is left for the features")
        return names
    names = tuple(columns.features)
    again = next((name for at, name in enumerate(names) if name in (*named, *names[:at])), None)
    if again is not None or not names:
        raise mistake(found.path, f"`features` name '{again}' twice, or for another use" if names else "no features")
    return names


def _ordered(found: Table, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """The number of the sequence of each row, ascending, and the row in the file: sorted by step within a sequence."""
    ids = found.text(columns.id)
    if (absent := ids.isna()).any():
        row = int(np.argmax(absent))
        raise mistake(found.path, f"{found.where(row)}, column '{columns.id}': the id is missing")
    codes = pd.factorize(ids)[0]
    if columns.step is None:
        order = np.argsort(codes, kind="stable")
        return codes[order], order
    steps = _steps(found, columns.step)
    order = np.lexsort((steps, codes))
    codes, steps = codes[order], steps[order]
    twice = np.flatnonzero((codes[1:] == codes[:-1]) & (steps[1:] == steps[:-1]))
    if len(twice):
        first, second = sorted(int(row) for row in order[twice[0] : twice[0] + 2])
        raise mistake(
            found.path,
            f"{found.where(second)}: sequence '{ids.iloc[second]}' has a step "
            f"'{found.text(columns.step).iloc[second]}' already in {found.where(first)}",
        )
    return codes, order


def _steps(found: Table, name: str) -> np.ndarray:
    if name not in found.numeric():
        return found.times(name).values
    steps = found.numbers(name)
    if np.isnan(steps).any():
        row = int(np.argmax(np.isnan(steps)))
        raise mistake(found.path, f"{found.where(row)}, column '{name}': the step is missing")
    return steps


def _change(cells: pd.Series, lengths: np.ndarray) -> int | None:
    """The first row whose cell is not that of the first row of its sequence; None if there is none."""
    codes = pd.factorize(cells)[0]
    firsts = np.repeat(codes[np.cumsum(lengths) - lengths], lengths)
    differ = codes != firsts
    return int(np.argmax(differ)) if differ.any() else None


class Padded:
    """(n, steps, width) float32 of sequences of unequal length, made as they are asked for; zeros in front."""

    def __init__(self, rows: np.ndarray, starts: np.ndarray, lengths: np.ndarray, steps: int) -> None:
        self._rows, self._starts, self._lengths, self._steps = rows, starts, lengths, steps

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self._starts), self._steps, self._rows.shape[1]

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        if isinstance(chosen, tuple) or chosen is Ellipsis:
            return np.asarray(self[:][chosen])
        starts, lengths = self._starts[chosen], self._lengths[chosen]
        at = (starts + lengths - self._steps)[..., None] + np.arange(self._steps)
        there = at >= starts[..., None]
        found: np.ndarray = self._rows[np.where(there, at, 0)]
        found[~there] = 0
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)
