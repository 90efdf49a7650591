"""A digest of what a task feeds to networks: it stands for the data of a plug-in's task in its signatures.

Tasks are `Any` here, because `tasks.base` imports this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from rnnbench.errors import UserError
from rnnbench.identity import class_code

_STEPS = (0, 1, 10, 100, 1000)
"""Of training, at which a batch is drawn: a task that goes through its data in order shows far parts late."""
_LAGS = (1, 2, 10, 100)
_BATCHES = (64, 8, 1)
"""Sizes that are tried: a task may have fewer examples."""


class UnfitDataError(UserError):
    """The data are there, and no run can be made of them."""


def fingerprint(task: Any) -> str | None:
    """Of validation and test split, and of all training examples or of some training batches; None if there are none.

    At lag 1, so that it is the same at every lag; where that is none of the task's lags, at the first of some others.
    Raises `UnfitDataError` for splits of another form than the task says, and for those that leave nothing to learn.
    """
    try:
        return read(task)
    except UnfitDataError:
        raise
    except UserError:
        return None


def read(task: Any) -> str:
    """As `fingerprint`; raises `UserError`, one line, if the data cannot be read."""
    task.check_data()
    for lag in (*_LAGS, task.lag):
        try:
            # Anew, so that a lag that the settings do not allow is left out.
            return _digest(type(task)(**(dict(task) | {"lag": lag})))
        except UserError:
            raise
        except Exception as error:
            failed = error
            if isinstance(error, OSError):
                break
    said = " ".join(f"{type(failed).__name__}: {failed}".split())
    raise UserError(f"the data of a task '{type(task).__name__}' cannot be read: {said}") from failed


def alike(one: Any, other: Any) -> bool:
    """Whether two tasks of a class feed the same; also where that cannot be told, because the data are absent."""
    kind: Any = type(one)
    return _alike(kind, one.model_dump_json(), other.model_dump_json())


@lru_cache(maxsize=64)
def _alike(task_class: type[Any], one: str, other: str) -> bool:
    try:
        return len({_digest(task_class.model_validate_json(settings)) for settings in (one, other)}) == 1
    except Exception:
        return True


def _digest(task: Any) -> str:
    found = hashlib.sha256()
    for array in _arrays(task):
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
    return found.hexdigest()[:16]


def _arrays(task: Any) -> Iterator[np.ndarray]:
    for name in ("validation", "test"):
        split = task.split(name)
        _check(task, split, name)
        yield from map(np.asarray, split)
    yield from map(np.asarray, task.fed_in_training())


def training_batches(task: Any) -> Iterator[Any]:
    """The inputs and targets of the batches of some steps."""
    for step in _STEPS:
        yield from _batch(task, step)


def _check(task: Any, split: Any, name: str) -> None:
    try:
        task.check_batch(split, f"the {name} split")
        floor_of = next(parent for parent in type(task).__mro__ if "memoryless" in vars(parent))
        # One of the task's own may take its time, and is asked in the run.
        if name == "test" and class_code.is_ours(floor_of):
            task.skill(task.perfect)
    except UserError as error:
        raise UnfitDataError(str(error)) from None


def _batch(task: Any, step: int) -> Any:
    """Nothing where the task has no such batch: the run will say so, if it asks for one."""
    for size in _BATCHES:
        try:
            return task.train_batch(0, step, size)
        except OSError:
            raise
        except Exception:
            continue
    return np.empty(0), np.empty(0)
