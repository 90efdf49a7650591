"""A digest of the arrays that a task feeds to the network. In a signature it represents the data of a plug-in's task.

Tasks have type `Any` here because `tasks.base` imports this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnnbench.errors import UserError

_STEPS = (0, 1, 10, 100, 1000)
"""Training steps whose batch is hashed. A task that reads its data in order reaches the later parts only late."""
_LAGS = (1, 2, 10, 100)
"""Lags to try in turn: a task need not support lag 1."""
_BATCHES = (64, 8, 1)
"""Batch sizes to try in turn: a task may have few examples."""


class UnfitDataError(UserError):
    """The data are present, but unusable for any run."""


def fingerprint(task: Any) -> str | None:
    """Digest of the validation and test splits and of `task.training_arrays()`; None if the data are absent.

    Computed at lag 1, hence the same for all lags; if the task does not support lag 1, at the first lag that works.
    Raises `UnfitDataError` if a split contradicts what the task declares.
    """
    try:
        return compute(task)
    except UnfitDataError:
        raise
    except UserError:
        return None


def compute(task: Any) -> str:
    """Like `fingerprint`, but raises a one-line `UserError` if the data cannot be read."""
    task.check_data()
    for lag in (*_LAGS, task.lag):
        try:
            # Constructed, not copied, so that the task can reject the lag.
            return _digest(type(task)(**(dict(task) | {"lag": lag})))
        except UserError:
            raise
        except Exception as error:
            failed = error
            if isinstance(error, OSError):
                break
    reason = " ".join(f"{type(failed).__name__}: {failed}".split())
    raise UserError(f"cannot read the data of task '{type(task).__name__}': {reason}") from failed


def _digest(task: Any) -> str:
    found = hashlib.sha256()
    for array in _arrays(task):
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
    return found.hexdigest()[:16]


def _arrays(task: Any) -> Iterator[np.ndarray]:
    for name in ("validation", "test"):
        for stream in task.split(name):
            _check(task, stream, f"the {name} split")
            yield from stream.parts.values()
    yield from map(np.asarray, task.training_arrays())


def training_batches(task: Any) -> Iterator[Any]:
    """All parts of the training batches at `_STEPS`."""
    for step in _STEPS:
        yield from _batch(task, step)


def _check(task: Any, stream: Any, what: str) -> None:
    try:
        task.check_stream(stream, what)
    except UserError as error:
        raise UnfitDataError(str(error)) from None


def _batch(task: Any, step: int) -> Any:
    """Nothing if the task has no such batch: a run that needs it reports that."""
    for size in _BATCHES:
        try:
            return task.train_batch(0, step, size).parts.values()
        except OSError:
            raise
        except Exception:
            continue
    return ()
