"""What a file of a user's was taken for, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rnnbench.datasets.own.looks.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was found; a subclass for each task."""

    task: ClassVar[str]
    """The task that reads it."""
    form: ClassVar[str]
    """What it is, in words."""

    path: str
    why: str
    """What it was told by: `because ...`."""
    notes: tuple[str, ...] = ()
    """What else was seen or decided, a sentence each."""


@dataclass(frozen=True, kw_only=True)
class SeriesLook(Look):
    """Columns of numbers, a row a step of time."""

    task = "csv_forecasting"
    form = "a series of numbers"

    rows: int
    time: str | None
    """The column of the times; None: there is none."""
    clock: Clock | None
    """What the times say; None: there are none, or they only count."""
    columns: tuple[str, ...]
    """Numbers that change."""
    target: str
    target_why: str
    missing: int
    """Cells without a value, in these columns."""
    split: str | None
    """The column that says which rows are for training, validation and test."""
    split_rows: tuple[int, int, int] | None
    """How many rows are for each."""


@dataclass(frozen=True, kw_only=True)
class TextsLook(Look):
    """Texts and their classes."""

    task = "texts"
    form = "texts with classes"

    texts: int
    text: str | None
    """The column of the texts; None: of a folder."""
    label: str | None
    label_why: str
    classes: int
    missing: int
    """Texts that are missing."""
    tokens: str
    """`words`, or `characters` where texts are single words."""
    length: int
    """Tokens of nine texts of ten."""
    split: str | None


@dataclass(frozen=True, kw_only=True)
class SequencesLook(Look):
    """Sequences of numbers with a label each, or a label a step."""

    task = "table_sequences"
    form = "sequences with labels"

    sequences: int
    longest: int
    """Steps."""
    id: str | None
    """None: of an `.npz`."""
    step: str | None
    features: tuple[str, ...]
    label: str | None
    label_why: str
    missing: int
    split: str | None
