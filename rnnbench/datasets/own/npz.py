"""Sequences in an `.npz`: arrays `x` and `y`, and perhaps `lengths` and `split`."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd

from rnnbench.datasets.own import place
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.sequences import Sequences, spans
from rnnbench.registry import did_you_mean

_ARRAYS = ("x", "y", "lengths", "split")


def is_npz(path: str) -> bool:
    """Whether a file is one by its name."""
    return path.lower().endswith(".npz")


def read(path: str, per: str | None, longest: int | None) -> Sequences:
    """The sequences of `x`, (n, steps, features) or (n, steps), with labels `y`.

    `y`: a label a sequence, (n,), or (n, k) of k numbers; or a label a step, (n, steps) or (n, steps, k). `lengths`,
    (n,): the first so many steps of each are data (default: all). `split`, (n,): train, validation or test. `per`:
    `sequence`, `step` or None: by step if the second axis of `y` is that of the steps. `longest`: steps kept, from the
    end of each sequence. Raises `UserError`, in one line, for whatever does not fit.
    """
    arrays = _arrays(path)
    x, y = _numbers(path, "x", arrays["x"]), arrays["y"]
    if x.ndim not in (2, 3) or 0 in x.shape:
        raise mistake(path, f"x has the shape {x.shape}; (sequences, steps) or (sequences, steps, features) is wanted")
    x = x.reshape(*x.shape[:2], -1)
    n, steps, width = x.shape
    for name, array in arrays.items():
        if array.ndim == 0 or len(array) != n:
            raise mistake(path, f"{name} has the shape {array.shape}, but x holds {n:,} sequences")
    per_step = per == "step" or (per is None and y.ndim > 1 and y.shape[1] == steps)
    _check_shape(path, y, per_step, steps)
    lengths = _lengths(path, arrays.get("lengths"), n, steps)
    kept = lengths if longest is None else np.minimum(lengths, longest)
    # None where all rows are kept, which then need not be copied.
    rows = None if (kept == steps).all() else spans(np.arange(n) * steps + lengths - kept, kept)
    flat = x.reshape(n * steps, width) if rows is None else x.reshape(n * steps, width)[rows]
    if per_step:
        y = y.reshape(n * steps, *y.shape[2:])
        y = y if rows is None else y[rows]

    def where_row(row: int) -> str:
        at = row if rows is None else int(rows[row])
        return f"sequence {at // steps}, step {at % steps} (from 0)"

    split = arrays.get("split")
    return Sequences(
        path,
        tuple(f"feature {at}" for at in range(width)),
        lambda at: flat[:, at].astype(np.float64),
        kept,
        _labels(path, y),
        per_step,
        None if split is None else pd.Series(split.astype(str), dtype="str"),
        lambda sequence: f"sequence {sequence} (from 0)",
        where_row,
        "y",
    )


def _arrays(path: str) -> dict[str, np.ndarray]:
    place.check(path)
    if not zipfile.is_zipfile(path):
        raise mistake(path, "is no .npz, or a damaged one (numpy.savez writes one)")
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in ("x", "y"):
                if name not in file.files:
                    held = ", ".join(file.files) or "none"
                    raise mistake(path, f"there is no array '{name}'{did_you_mean(name, file.files)}; arrays: {held}")
            return {name: file[name] for name in _ARRAYS if name in file.files}
    except ValueError as error:
        if "pickle" in str(error):
            raise mistake(path, "holds pickled objects, which are not read: save arrays of numbers or text") from None
        raise mistake(path, f"cannot be read: {error}") from None
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise mistake(path, f"is damaged: {error}") from None


def _numbers(path: str, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise mistake(path, f"{name} holds {array.dtype}, not numbers")
    if array.dtype.kind == "f" and np.isinf(array).any():
        at = tuple(int(one) for one in np.argwhere(np.isinf(array))[0])
        raise mistake(path, f"{name}{list(at)} is infinite")
    return array


def _check_shape(path: str, y: np.ndarray, per_step: bool, steps: int) -> None:
    said = f"y has the shape {y.shape}"
    if per_step and not (y.ndim in (2, 3) and y.shape[1] == steps):
        raise mistake(path, f"{said}; a label a step needs (sequences, {steps:,}), as x has {steps:,} steps")
    if not per_step and y.ndim not in (1, 2):
        raise mistake(path, f"{said}; (sequences,) is wanted, or a label a step: (sequences, {steps:,})")
    if 0 in y.shape:
        raise mistake(path, f"{said}, which holds nothing")


def _lengths(path: str, lengths: np.ndarray | None, n: int, steps: int) -> np.ndarray:
    if lengths is None:
        return np.full(n, steps)
    if lengths.ndim != 1 or lengths.dtype.kind not in "iuf" or (lengths % 1 != 0).any():
        raise mistake(path, f"lengths must be (sequences,) whole numbers, not {lengths.dtype} {lengths.shape}")
    wrong = np.flatnonzero((lengths < 1) | (lengths > steps))
    if len(wrong):
        raise mistake(path, f"lengths[{wrong[0]}] is {lengths[wrong[0]]:g}; x has 1 to {steps:,} steps")
    return lengths.astype(np.int64)


def _labels(path: str, y: np.ndarray) -> pd.Series | np.ndarray:
    if y.ndim > 1 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind in "US":
        if y.ndim > 1:
            raise mistake(path, f"y holds text of the shape {y.shape}; a class is one label")
        return pd.Series(y.astype(str), dtype="str")
    numbers = _numbers(path, "y", y).astype(np.float64)
    return pd.Series(numbers) if numbers.ndim == 1 else numbers
