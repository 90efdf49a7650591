"""Labels of the user's examples as classes, and whether a split lets them be learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from rnnbench.datasets.own.mistake import mistake

if TYPE_CHECKING:
    import pandas as pd

_MOST = 1000
"""Most classes; more are numbers or names, not classes."""
_FEWEST = 3
"""Examples that a class needs so that each split may get one."""

Where = Callable[[int], str]
Per = Literal["sequence", "step"]
Answers = Literal["classes", "numbers"]


class Labels(NamedTuple):
    """The class of each example."""

    classes: tuple[str, ...]
    """Their names, sorted: numbers by size, if all are numbers."""
    codes: np.ndarray
    """(n,) int32, places in `classes`."""


def classes_of(cells: pd.Series, called: str, path: str, where: Where, what: str = "text") -> Labels:
    """The classes of a column of numbers or of text.

    `called`, `what`: how messages call the column and an example. Raises `UserError` for a missing label, for a single
    class and for too many.
    """
    import pandas as pd

    numbers = pd.api.types.is_numeric_dtype(cells.dtype)
    absent = (cells.isna() | (not numbers and cells.astype("object") == "")).to_numpy(dtype=bool)
    if absent.any():
        row, count = int(np.argmax(absent)), int(absent.sum())
        raise mistake(path, f"{where(row)}, {called}: the label is missing ({count:,} in all)")
    codes, found = pd.factorize(cells, sort=True)
    names = [_written(one) for one in found]
    if not numbers and all(name.isascii() and name.isdecimal() for name in names):
        order = sorted(range(len(names)), key=lambda at: int(names[at]))
        codes, names = np.argsort(order)[codes], [names[at] for at in order]
    if len(names) == 1:
        raise mistake(path, f"every {what} has the label '{names[0]}'; at least two classes are needed")
    if len(names) > min(_MOST, len(codes) // 2):
        raise mistake(path, f"{called} holds {len(names):,} different labels in {len(codes):,} {what}s: not classes")
    return Labels(tuple(names), codes.astype(np.int32))


def _written(label: object) -> str:
    return f"{label:.15g}" if isinstance(label, float) else str(label)


def check_drawn(labels: Labels, path: str, where: Where, what: str = "text") -> None:
    """Raise `UserError` for a class that has too few examples for a split that is drawn."""
    counts = np.bincount(labels.codes)
    if counts.min() < _FEWEST:
        rare, count = int(np.argmin(counts)), int(counts.min())
        places = " and ".join(where(int(row)) for row in np.flatnonzero(labels.codes == rare))
        raise mistake(
            path,
            f"the label '{labels.classes[rare]}' has {count} {what}{'s' * (count > 1)} ({places}); "
            f"a split by shares needs {_FEWEST} of each class",
        )


def check_splits(labels: Labels, splits: Mapping[str, np.ndarray], path: str, where: Where, what: str = "text") -> None:
    """Raise `UserError` for a label that training never shows, and where training or test hold a single class."""
    known = np.unique(labels.codes[splits["train"]])
    for split in ("validation", "test"):
        new = splits[split][~np.isin(labels.codes[splits[split]], known)]
        if len(new):
            name = labels.classes[labels.codes[new[0]]]
            raise mistake(path, f"{where(int(new[0]))}: the label '{name}' of a {split} {what} is not in training")
    for split in ("train", "test"):
        held = np.unique(labels.codes[splits[split]])
        if len(held) == 1:
            name = labels.classes[held[0]]
            raise mistake(path, f"every {split} {what} has the label '{name}'; at least two classes are needed")


def with_validation(column: pd.Series, path: str, codes: np.ndarray | None) -> pd.Series:
    """The column of a split; if it names no validation, an eighth of training is drawn for it, of each class alike.

    Raises `UserError` where training has too few examples for that.
    """
    import pandas as pd

    named = column.astype("str").str.strip().str.lower()
    train = np.flatnonzero(named.isin(("train", "training")))
    if set(named) != {"train", "test"} | set(named) & {"training", "testing"}:
        return column
    # A random order, in which every eighth member of a class is taken.
    order = np.random.default_rng(1).permutation(train)
    groups = pd.Series(np.zeros(len(order)) if codes is None else codes[order])
    drawn = order[(groups.groupby(groups).cumcount() % 8 == 7).to_numpy()]
    if not len(drawn):
        raise mistake(path, "there are no validation examples, and too few of training to draw an eighth of each class")
    named.iloc[drawn] = "validation"
    return named
