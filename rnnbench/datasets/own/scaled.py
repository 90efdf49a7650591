"""The features of sequences, standardised with the training rows, and what stands for missing ones."""

from __future__ import annotations

import numpy as np

from rnnbench.datasets.own.missing import Missing, refused, scale_of
from rnnbench.datasets.own.sequences import Sequences


def check_missing(sequences: Sequences) -> None:
    """Raise `UserError` with the number of missing values, and the first place."""
    count, first = 0, (0, -1)
    for at in range(len(sequences.names)):
        absent = np.isnan(sequences.column(at))
        if absent.any():
            row = int(np.argmax(absent))
            first = (row, at) if not count or row < first[0] else first
            count += int(absent.sum())
    if count:
        raise refused(sequences.path, count, f"{sequences.where_row(first[0])}, '{sequences.names[first[1]]}'")


def check_known(sequences: Sequences, train: np.ndarray) -> None:
    """Raise `UserError` for a feature without any value in the rows `train`."""
    for at, name in enumerate(sequences.names):
        scale_of(sequences.column(at)[train][:, None], [name], sequences.path)


def scaled(sequences: Sequences, train: np.ndarray, missing: Missing) -> np.ndarray:
    """(rows, features) float32 with the mean and deviation of the rows `train`; 0 if constant there.

    `forward`: the last value before in the same sequence, the training mean if there is none. `mask`: the training
    mean, and behind the features as many channels with 1 where a value is missing.
    """
    names, rows = sequences.names, int(sequences.lengths.sum())
    found = np.zeros((rows, len(names) * (2 if missing == "mask" else 1)), dtype=np.float32)
    starts = np.repeat(sequences.starts, sequences.lengths)
    # Column by column, so that no more than one is held as float64 beside them all.
    for at, name in enumerate(names):
        values = sequences.column(at)
        absent = np.isnan(values)
        values = scale_of(values[train][:, None], [name], sequences.path)(values[:, None])[:, 0]
        if absent.any():
            last = np.maximum.accumulate(np.where(absent, -1, np.arange(rows)))
            before = values[np.maximum(last, 0)]
            gone = (last < starts) if missing == "forward" else absent
            values = np.where(gone, 0.0, before)
        found[:, at] = values
        if missing == "mask":
            found[:, len(names) + at] = absent
    return found
