"""Sequences with labels: an id with several rows each, or an `.npz` with x and y."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rnnbench.datasets.own import npz
from rnnbench.datasets.own.looks.columns import IDS, LABELS, MOST_CLASSES, TIMES, Column, by_name, split_of, unreadable
from rnnbench.datasets.own.looks.found import SequencesLook
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.table import Table

FEWEST = 10
"""Sequences from which a test split can be drawn."""
_STEPS = (*TIMES, "step", "steps", "cycle", "frame", "index", "order", "position", "pos", "i", "visit", "round")


def of_npz(path: str) -> SequencesLook:
    """The sequences of an `.npz`. Raises `UserError` for what is none."""
    held = npz.read(path, None, None)
    _check_count(path, len(held.lengths))
    missing = sum(int(np.isnan(held.column(at)).sum()) for at in range(len(held.names)))
    per = "a label a step" if held.per_step else "a label a sequence"
    return SequencesLook(
        path=path,
        why=f"it holds arrays x, of {len(held.lengths):,} sequences, and y, {per}",
        sequences=len(held.lengths),
        longest=int(held.lengths.max()),
        id=None,
        step=None,
        features=held.names,
        label=None,
        label_why="",
        missing=missing,
        split=None,
    )


def of_table(found: Table, columns: Sequence[Column]) -> SequencesLook | None:
    """The sequences, or None if no column says which rows belong together.

    Raises `UserError` if there are no features beside the label: a series for each id, which no task forecasts.
    """
    chosen = _id_and_step(columns)
    if chosen is None:
        return None
    one, step = chosen
    split = split_of(columns)
    others = [other for other in columns if other.mistake is None and other not in (one, step) and other.name != split]
    numbers = [other for other in others if other.holds_numbers and other.distinct > 1 and not other.counts_rows]
    label, why = _label(one, others, numbers)
    features = tuple(other.name for other in numbers if other is not label)
    sizes = one.cells.value_counts()
    if label is None or not features:
        raise _series_below_each_other(found.path, one, step, numbers, len(sizes))
    _check_count(found.path, len(sizes))
    left = [other.told for other in others if other is not label and other.name not in features]
    order = f", in the order of '{step.name}'" if step else ", in the order of the file"
    return SequencesLook(
        path=found.path,
        why=f"column '{one.name}' holds {len(sizes):,} values, of {_span(sizes)} rows each{order}",
        notes=(*found.told, *([f"left out: {', '.join(left)}"] if left else []), *unreadable(columns, found.path)),
        sequences=len(sizes),
        longest=int(sizes.max()),
        id=one.name,
        step=step.name if step else None,
        features=features,
        label=label.name,
        label_why=why,
        missing=sum(other.missing for other in numbers if other is not label),
        split=split,
    )


def ids(columns: Sequence[Column]) -> list[Column]:
    """Columns that are called like ids and have several rows a value."""
    return [one for one in columns if one.mistake is None and one.is_called(IDS) and _may_be_id(one)]


def _id_and_step(columns: Sequence[Column]) -> tuple[Column, Column | None] | None:
    """The columns that number the sequences and their steps.

    Together they name each row once. Without a column of steps the id must be called like one, and its rows be
    neighbours.
    """
    steps = [one for one in columns if one.mistake is None and not one.missing and _may_be_step(one)]
    called = ids(columns)
    texts = [one for one in columns if one.kind == "text" and one not in called and _may_be_id(one)]
    for one in called + texts:
        codes = pd.factorize(one.cells)[0]
        for step in steps:
            if step is not one and not _repeats(codes, step):
                return one, step
        if one in called and (np.diff(codes) != 0).sum() == one.distinct - 1:
            return one, None
    return None


def _may_be_step(column: Column) -> bool:
    return column.times is not None or (column.holds_numbers and column.is_called(_STEPS))


def _may_be_id(column: Column) -> bool:
    several = 2 <= column.distinct <= len(column.cells) / 2
    return several and not column.missing and (column.kind == "text" or column.is_whole)


def _repeats(codes: np.ndarray, step: Column) -> bool:
    values = step.times.values if step.times else step.cells.to_numpy()
    return bool(pd.DataFrame({"id": codes, "step": values}).duplicated().any())


def _label(one: Column, others: Sequence[Column], numbers: Sequence[Column]) -> tuple[Column | None, str]:
    """The column to answer with, and why that one."""
    varied = [other for other in others if other.distinct > 1 and other.kind in ("text", "numbers")]
    few = [other for other in varied if other.kind == "numbers" or other.distinct <= MOST_CLASSES]
    if called := by_name(few, LABELS):
        return called, "by its name"
    classes = [other for other in few if other.distinct <= MOST_CLASSES and (other.kind == "text" or other.is_whole)]
    codes = pd.factorize(one.cells)[0]
    for other in sorted(classes, key=lambda column: column.kind != "text"):
        if pd.Series(pd.factorize(other.cells)[0]).groupby(codes).nunique().max() == 1:
            return other, f"the same in all rows of each '{one.name}'"
    if texts := [other for other in classes if other.kind == "text"]:
        return texts[-1], "the last column of few different texts"
    return (numbers[-1], "the last column of numbers, as there is none of classes") if numbers else (None, "")


def _series_below_each_other(
    path: str, one: Column, step: Column | None, numbers: Sequence[Column], count: int
) -> Exception:
    if step is not None and numbers:
        return mistake(
            path,
            f"{count:,} series stand below each other, told apart by '{one.name}', with nothing but "
            f"'{numbers[-1].name}' to read; for csv_forecasting give each a column "
            f"(pandas: frame.pivot(index='{step.name}', columns='{one.name}', "
            f"values='{numbers[-1].name}')), or keep the rows of one",
        )
    return mistake(path, f"'{one.name}' numbers {count:,} sequences, but no column of numbers is left as a feature")


def _check_count(path: str, sequences: int) -> None:
    if sequences < FEWEST:
        raise mistake(path, f"{sequences} sequences; at least {FEWEST} are needed to learn, choose and test")


def _span(sizes: pd.Series) -> str:
    low, high = int(sizes.min()), int(sizes.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
