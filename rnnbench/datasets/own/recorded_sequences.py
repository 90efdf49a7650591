"""Sequences of the user's with their answers, checked, split and scaled."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from rnnbench.datasets.own import npz, scaled, sequences, splits
from rnnbench.datasets.own.labels import Answers, Labels, Per, check_drawn, check_splits, classes_of, with_validation
from rnnbench.datasets.own.missing import Missing
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.sequences import Columns, Padded, Sequences
from rnnbench.datasets.scaling import Scale

FEW = 20
"""Whole numbers of at most so many values are taken for classes."""


class Asked(NamedTuple):
    """What is to be read, as the settings say it."""

    path: str
    id: str
    step: str | None
    features: tuple[str, ...] | None
    label: str
    label_per: Per | None
    answers: Answers | None
    length: int | None
    split: Any
    """See `splits.SplitSetting`."""
    missing: Missing


class Read(NamedTuple):
    """What a file holds, checked."""

    sequences: Sequences
    labels: Labels | None
    """None: the answers are numbers."""
    values: np.ndarray | None
    """(n or rows, k) float64: the answers that are numbers."""
    members: dict[str, np.ndarray]
    """The sequences of each split."""


class Data(NamedTuple):
    """What the examples are made of."""

    rows: np.ndarray
    """(rows, width) float32, scaled."""
    train: np.ndarray
    """The training rows."""
    evidence: dict[str, Padded]
    targets: dict[str, np.ndarray]
    weights: dict[str, np.ndarray] | None


def read(asked: Asked) -> Read:
    """Raises `UserError`, in one line with the place, for whatever is wrong with the file."""
    held = _sequences(asked)
    if asked.missing == "refuse":
        scaled.check_missing(held)
    what, where = ("step", held.where_row) if held.per_step else ("sequence", held.where)
    labels, values = None, None
    if asked.answers == "classes" or (asked.answers is None and _hold_classes(held.labels)):
        if not isinstance(held.labels, pd.Series):
            raise mistake(asked.path, f"y holds {held.labels.shape[1]} numbers each: `answers: numbers`")
        labels = classes_of(held.labels, held.label, asked.path, where, what)
    else:
        values = _values(held, where)
    members = _members(asked, held, None if held.per_step else labels)
    if asked.missing != "refuse":
        scaled.check_known(held, held.rows_of(members["train"]))
    chosen = {split: held.rows_of(some) if held.per_step else some for split, some in members.items()}
    if labels is not None:
        check_splits(labels, chosen, asked.path, where, what)
    elif Scale.of(cast(np.ndarray, values)[chosen["train"]]).constant.any():
        raise mistake(asked.path, f"{held.label} is constant in training: there is nothing to answer")
    return Read(held, labels, values, members)


def _sequences(asked: Asked) -> Sequences:
    if npz.is_npz(asked.path):
        if (column := splits.column_of(asked.split)) is not None:
            raise mistake(asked.path, f"`split: {column}` names a column; of an .npz the array `split` is read")
        return npz.read(asked.path, asked.label_per, asked.length)
    columns = Columns(asked.id, asked.step, asked.features, asked.label, splits.column_of(asked.split))
    return sequences.from_table(asked.path, columns, asked.label_per, asked.length)


def _members(asked: Asked, held: Sequences, labels: Labels | None) -> dict[str, np.ndarray]:
    if labels is not None and held.split is None:
        check_drawn(labels, asked.path, held.where, "sequence")
    codes = None if labels is None else labels.codes
    named = None if held.split is None else with_validation(held.split, asked.path, codes)
    return splits.at_random(asked.split, len(held.lengths), asked.path, held.where, codes, named)


def data(asked: Asked) -> Data:
    """What the examples are made of, read anew. Raises `UserError` as `read`."""
    found = read(asked)
    held, members = found.sequences, found.members
    train = held.rows_of(members["train"])
    rows = scaled.scaled(held, train, asked.missing)
    unequal = bool(held.lengths.min() < held.lengths.max())
    if unequal:
        rows = np.concatenate([rows, np.ones((len(rows), 1), np.float32)], axis=1)
    steps = int(held.lengths.max())
    evidence = {split: Padded(rows, held.starts[some], held.lengths[some], steps) for split, some in members.items()}
    if found.labels is not None:
        answers = found.labels.codes[:, None]
    else:
        values = cast(np.ndarray, found.values)
        known = values[train if held.per_step else members["train"]]
        answers = Scale.of(known)(values).astype(np.float32)
    if not held.per_step:
        targets = {split: answers[some].reshape(len(some), 1, *_last(found)) for split, some in members.items()}
        return Data(rows, train, evidence, targets, None)
    of_rows = {split: Padded(answers, held.starts[some], held.lengths[some], steps) for split, some in members.items()}
    targets = {split: padded[:].reshape(len(padded), steps, *_last(found)) for split, padded in of_rows.items()}
    weights = {
        split: (np.arange(steps) >= steps - held.lengths[some][:, None]).astype(np.float32)
        for split, some in members.items()
    }
    return Data(rows, train, evidence, targets, weights if unequal else None)


def _last(read: Read) -> tuple[int, ...]:
    """The last axis of the targets: none of classes."""
    return () if read.values is None else (read.values.shape[1],)


def _hold_classes(labels: pd.Series | np.ndarray) -> bool:
    """Whether they are text, or whole numbers of few different values."""
    if not isinstance(labels, pd.Series):
        return False
    if not pd.api.types.is_numeric_dtype(labels.dtype):
        return True
    values = labels.dropna().unique()
    return len(values) <= FEW and bool((values % 1 == 0).all())


def _values(held: Sequences, where: Any) -> np.ndarray:
    """The labels as (n, k) numbers, none of them missing."""
    if isinstance(held.labels, pd.Series) and not pd.api.types.is_numeric_dtype(held.labels.dtype):
        wrong = pd.to_numeric(held.labels, errors="coerce").isna()
        row = int(np.argmax(wrong))
        raise mistake(held.path, f"{where(row)}, {held.label}: '{held.labels.iloc[row]}' is not a number")
    values = np.asarray(held.labels, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    absent = np.isnan(values).any(axis=1)
    if absent.any():
        raise mistake(
            held.path,
            f"{where(int(np.argmax(absent)))}, {held.label}: the label is missing ({int(absent.sum()):,} in all)",
        )
    return values
