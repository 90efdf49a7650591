"""Values that are missing: refused, filled from earlier rows, or shown as 0 beside a channel that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.scaling import Scale
from rnnbench.errors import UserError

Missing = Literal["refuse", "forward", "mask"]
"""`refuse`: they are an error. `forward`: the last value before; the training mean where there is none. `mask`: 0 after
scaling, which is the training mean, and 1 in an indicator channel, of which each column has one."""


_LARGE = 1 << 24
"""Numbers that are not held twice: 128 MB."""


def refuse(values: np.ndarray, names: Sequence[str], path: str, where: Callable[[int], str]) -> None:
    """Raise `UserError` with the number of missing values of (rows, columns), and the first place."""
    absent = np.isnan(values)
    if count := int(absent.sum()):
        row = int(np.argmax(absent.any(axis=1)))
        name = names[int(np.argmax(absent[row]))]
        raise refused(path, count, f"{where(row)}, column '{name}'")


def refused(path: str, count: int, first: str) -> UserError:
    """What is said of missing values: how many, and the place of the first."""
    return mistake(
        path,
        f"{count:,} missing value{'s' * (count > 1)}, the first in {first}; "
        "fill them, or set `missing: forward` or `missing: mask`",
    )


def scale_of(train: np.ndarray, names: Sequence[str], path: str) -> Scale:
    """The scale of the training rows, (rows, columns), from the values that are there.

    Raises `UserError` for a column without any.
    """
    if train.size < _LARGE and not np.isnan(train).any():
        return Scale.of(train)
    of_columns = []
    for column, name in zip(train.T, names, strict=True):
        present = column[~np.isnan(column)]
        if not len(present):
            raise mistake(path, f"column '{name}' has no value in the training rows")
        of_columns.append(Scale.of(present[:, None]))
    return Scale(*(np.concatenate(parts) for parts in zip(*of_columns, strict=True)))


def fill_forward(values: np.ndarray, first: np.ndarray | float = 0.0) -> None:
    """Fill the gaps of (rows, columns), in place, with the last value before; leading ones with `first`."""
    for at, column in enumerate(values.T):
        absent = np.isnan(column)
        if absent.any():
            last = np.maximum.accumulate(np.where(absent, -1, np.arange(len(column))))
            before = np.broadcast_to(first, values.shape[1:])[at]
            column[:] = np.where(last < 0, before, column[last])


def masked(scaled: np.ndarray) -> np.ndarray:
    """(..., columns) with 0 in place of NaN, and behind them as many channels with 1 there: (..., 2 columns)."""
    absent = np.isnan(scaled)
    return np.concatenate([np.where(absent, 0.0, scaled), absent], axis=-1)
