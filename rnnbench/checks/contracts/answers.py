"""Answers that a task has to score: right, constant and random ones, (examples, R, outputs)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream
from rnnbench.tasks.supervised import ClassificationTask, RegressionTask

CERTAIN = 20.0
"""Logit of the class that an answer is certain of; the others have 0."""


def random(task: Task, stream: Stream, seed: int = 0) -> np.ndarray:
    """Normal outputs at every step that is read."""
    shape = (*stream.targets.shape[:2], task.outputs)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def classes(task: Task, targets: np.ndarray) -> bool:
    """Whether outputs are logits, one for each class that the targets number."""
    if isinstance(task, ClassificationTask):
        return True
    numbered = task.aligned and np.issubdtype(targets.dtype, np.integer) and targets.ndim == 2
    return numbered and bool(targets.max() < task.outputs)


def values(task: Task, targets: np.ndarray) -> bool:
    """Whether outputs are estimates of the targets themselves."""
    floating = np.issubdtype(targets.dtype, np.floating)
    return isinstance(task, RegressionTask) or (floating and targets.ndim == 3 and targets.shape[-1] == task.outputs)


def right(task: Task, stream: Stream) -> np.ndarray | None:
    """Outputs that score perfectly; None where only the task knows what its outputs mean."""
    targets = stream.targets
    if classes(task, targets):
        return (CERTAIN * np.eye(task.outputs, dtype=np.float32))[targets]
    return targets.astype(np.float32) if values(task, targets) else None


def constant(task: Task, known: Stream, asked: Stream, pooled: bool = False) -> Iterator[np.ndarray]:
    """Outputs that are the same for each example of `asked`, the best for the `known` targets: shares; mean, median.

    One for each of the R steps that are read, or `pooled` over these.
    """
    shape = (*asked.targets.shape[:2], task.outputs)
    targets, weights = known.targets, _weights(known)
    if pooled or known.targets.shape[1] != shape[1]:
        targets = targets.reshape(-1, 1, *targets.shape[2:])
        weights = weights.reshape(-1, 1)
    if classes(task, known.targets):
        yield np.broadcast_to(np.log(_shares(task, targets, weights) + 1e-9), shape).astype(np.float32)
    elif values(task, known.targets):
        for answer in (_mean(targets, weights), _median(targets, weights)):
            yield np.broadcast_to(answer, shape).astype(np.float32)


def _weights(stream: Stream) -> np.ndarray:
    """Of each target in the score, (examples, R)."""
    weights = stream.scored_only.weights
    return np.ones(stream.targets.shape[:2]) if weights is None else weights.astype(np.float64)


def _shares(task: Task, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of each class among the targets of each read step, (R, outputs); all alike where none is scored."""
    columns = zip(targets.T, weights.T, strict=True)
    counted = np.array([np.bincount(column, of_column, task.outputs) for column, of_column in columns])
    total = counted.sum(axis=1, keepdims=True)
    return np.where(total > 0, counted / np.where(total > 0, total, 1), 1 / task.outputs)


def _mean(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=0)
    return (targets * weights[..., None]).sum(axis=0) / np.where(total > 0, total, 1)[:, None]


def _median(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    asked = (column[of_column > 0] for column, of_column in zip(targets.swapaxes(0, 1), weights.T, strict=True))
    return np.array([np.median(column, axis=0) if len(column) else np.zeros(column.shape[1:]) for column in asked])
