"""Texts with classes: a column of texts and one of few distinct values, or a folder a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rnnbench.datasets.own import labelled_texts
from rnnbench.datasets.own.looks.columns import LABELS, MOST_CLASSES, Column, by_name, split_of
from rnnbench.datasets.own.looks.found import TextsLook
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.table import Table
from rnnbench.text.wording import count_of

_TEXTS = ("text", "texts", "review", "comment", "message", "sentence", "content", "body", "document", "title")
_LONG = 6
"""Words of the median text, from which a column is one of texts, whatever stands beside it."""
_WORDS = 3
"""Words of the median text, from which words are read and not characters."""
_FEWEST = 30
"""Texts, so that each split gets some."""
_EXAMINED = 5000
"""Texts whose length is measured."""


def of_table(found: Table, columns: Sequence[Column], short: bool = False) -> TextsLook | None:
    """The texts, or None without a column of them and one of classes.

    A column of texts: half of them differ, at least, and the median has 6 words; `short`: fewer.
    """
    candidates = [one for one in columns if one.kind == "text" and _differs(one)]
    texts = [one for one in candidates if short or _words(one.cells) >= _LONG]
    split = split_of(columns)
    labels = [one for one in columns if one.name != split and _has_classes(one)]
    if not texts or not labels:
        return None
    _check_count(found.path, len(found.frame))
    text = by_name(texts, _TEXTS) or max(texts, key=lambda one: float(one.cells.dropna().str.len().mean()))
    called = by_name(labels, LABELS)
    label = called or min(labels, key=lambda one: (one.kind != "text", one.missing, one.distinct))
    others = [one.told for one in columns if one not in (text, label) and one.name != split]
    tokens = "words" if _words(text.cells) >= _WORDS else "characters"
    return TextsLook(
        path=found.path,
        why=f"column '{text.name}' holds texts, and '{label.name}' only {label.distinct} different values",
        notes=(*found.told, *([f"left out: {', '.join(others)}"] if others else [])),
        texts=len(found.frame),
        text=text.name,
        label=label.name,
        label_why=_label_why(labels, called),
        classes=label.distinct,
        missing=text.missing,
        tokens=tokens,
        length=_length(text.cells, tokens),
        split=split,
    )


def of_folder(path: str) -> TextsLook:
    """A folder with one folder a class. Raises `UserError` if it is none."""
    held = labelled_texts.read(path, "", "", None)
    _check_count(path, len(held.texts))
    tokens = "words" if _words(held.texts) >= _WORDS else "characters"
    return TextsLook(
        path=path,
        why="it is a folder, with a folder for each class"
        + (" in those of the splits" if held.split is not None else ""),
        texts=len(held.texts),
        text=None,
        label=None,
        label_why="",
        classes=held.labels.nunique(),
        missing=0,
        tokens=tokens,
        length=_length(held.texts, tokens),
        split=None,
    )


def is_folder(path: str) -> bool:
    return Path(path).is_dir()


def _check_count(path: str, texts: int) -> None:
    if texts < _FEWEST:
        raise mistake(
            path, f"{count_of(texts, 'text')}, but {_FEWEST} or more are needed to train, to choose and to test"
        )


def _differs(column: Column) -> bool:
    there = len(column.cells) - column.missing
    return column.distinct >= 0.5 * there and column.missing <= 0.2 * len(column.cells)


def _has_classes(column: Column) -> bool:
    """Whether it holds few values, each of them often enough."""
    few = 2 <= column.distinct <= min(MOST_CLASSES, len(column.cells) // 4)
    return few and (column.kind == "text" or column.is_whole)


def _label_why(labels: Sequence[Column], called: Column | None) -> str:
    if len(labels) == 1:
        return "the only column of few different values"
    others = ", ".join(f"'{one.name}'" for one in labels if one is not called)
    return f"by its name; {others} would do, too" if called else "the one with the fewest values"


def _words(texts: pd.Series) -> float:
    return float(texts.dropna().head(_EXAMINED).map(_count_words).median())


def _count_words(text: str) -> int:
    return len(text.split())


def _length(texts: pd.Series, tokens: str) -> int:
    some = texts.dropna().head(_EXAMINED)
    lengths = some.map(_count_words if tokens == "words" else len)
    return max(1, int(np.ceil(np.quantile(lengths, 0.9))))
