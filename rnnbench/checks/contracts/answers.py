"""Answers that a task has to score: right, constant and random ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnbench.tasks.base import ClassificationTask, RegressionTask, Task

CERTAIN = 20.0
"""Logit of the class that an answer is certain of; the others have 0."""


def random(task: Task, rows: int, length: int) -> np.ndarray:
    """Normal outputs for `rows` examples of `length` steps."""
    steps = (length,) if task.answers_every_step else ()
    return np.random.default_rng(0).normal(size=(rows, *steps, task.outputs)).astype(np.float32)


def classes(task: Task, targets: np.ndarray) -> bool:
    """Whether outputs are logits, one for each class that the targets number."""
    if isinstance(task, ClassificationTask):
        return True
    return np.issubdtype(targets.dtype, np.integer) and bool(targets.max() < task.outputs)


def values(task: Task, targets: np.ndarray) -> bool:
    """Whether outputs are estimates of the targets themselves."""
    steps = targets.ndim - 1 == 1 + task.answers_every_step
    return isinstance(task, RegressionTask) or (
        np.issubdtype(targets.dtype, np.floating) and steps and targets.shape[-1] == task.outputs
    )


def right(task: Task, targets: np.ndarray) -> np.ndarray | None:
    """Outputs that score perfectly; None where only the task knows what its outputs mean."""
    if classes(task, targets):
        return (CERTAIN * np.eye(task.outputs, dtype=np.float32))[targets]
    return targets.astype(np.float32) if values(task, targets) else None


def constant(task: Task, known: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    """Outputs that are the same for each of `rows` examples, the best for `known` targets: shares; mean, median."""
    if classes(task, known):
        shares = np.log(_shares(task, known) + 1e-9)
        yield np.broadcast_to(shares, (rows, *shares.shape)).astype(np.float32)
    elif values(task, known):
        for middle in (np.mean, np.median):
            answer = middle(known, axis=0)
            yield np.broadcast_to(answer, (rows, *answer.shape)).astype(np.float32)


def _shares(task: Task, targets: np.ndarray) -> np.ndarray:
    """Share of each class among the targets, per step if each is answered: (outputs,) or (steps, outputs)."""
    by_step = targets.reshape(len(targets), -1)
    counted = [np.bincount(column, minlength=task.outputs) / len(column) for column in by_step.T]
    return np.array(counted).reshape(*targets.shape[1:], task.outputs)
