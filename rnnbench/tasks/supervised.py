"""Tasks that ask for a class or for numbers at each step that is read: loss, scores and memoryless level."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from rnnbench.tasks.base import Score, Split, Task
from rnnbench.tasks.checking import check_range, check_shape
from rnnbench.tasks.stream import Stream, joined

ACCURACY = Score("accuracy", higher_is_better=True, perfect=1.0)
MSE = Score("mse", higher_is_better=False, perfect=0.0)
_MANY_CLASSES = 100
"""From so many on, turning the axes of logits costs more than it saves."""


class ClassificationTask(Task, ABC):
    """Predict one of `outputs` classes at each step that is read. Targets: (B, R) int32. Score: accuracy."""

    score: ClassVar[Score] = ACCURACY

    def check_targets(self, stream: Stream, what: str) -> None:
        check_shape(stream.targets, what, "targets", stream.targets.shape[:2])
        check_range(stream.targets, what, "target", self.outputs)

    def loss(self, stream: Stream, outputs: Any) -> Any:
        """Cross entropy, nats: the weighted mean over the steps that are read."""
        return loss_of_classes(stream, outputs)

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """`accuracy` over the steps that are scored, and `loss`."""
        return scores_of_classes(stream, outputs)

    def memoryless(self, split: Split = "test") -> float:
        """Accuracy of always answering the most frequent class of the split's scored steps."""
        whole = joined(_without_inputs(self.split(split))).scored_only
        weights = None if whole.weights is None else whole.weights.ravel()
        counts = np.bincount(whole.targets.ravel(), weights)
        return float(counts.max() / counts.sum())

    def level_error(self, split: Split = "test") -> float:
        """That of a share: sqrt(p (1 - p) / distinct sequences)."""
        share = self.memoryless(split)
        return math.sqrt(max(0.0, share * (1 - share)) / self.distinct(split))


class RegressionTask(Task, ABC):
    """Predict `outputs` real values at each step that is read. Targets: (B, R, outputs) float32. Score: mean squared
    error."""

    score: ClassVar[Score] = MSE

    def check_targets(self, stream: Stream, what: str) -> None:
        check_shape(stream.targets, what, "targets", (*stream.targets.shape[:2], self.outputs))

    def loss(self, stream: Stream, outputs: Any) -> Any:
        """Mean squared error over the outputs: the weighted mean over the steps that are read."""
        return loss_of_values(stream, outputs)

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """`mse` and `mae` over the steps that are scored, and `loss`."""
        return scores_of_values(stream, outputs)

    def level_error(self, split: Split = "test") -> float:
        """That of the mean squared error of a constant answer, the mean of the split's targets."""
        whole = joined(_without_inputs(self.split(split)))
        scored = whole.scored_only.weights
        axes = tuple(range(whole.targets.ndim - 1))
        weights = None if scored is None else np.broadcast_to(scored[..., None], whole.targets.shape)
        squares = np.mean((whole.targets - np.average(whole.targets, axes, weights)) ** 2, axis=-1)
        return float(np.std(mean_of_steps(squares, scored)) / math.sqrt(self.distinct(split)))


def loss_of_classes(stream: Stream, outputs: Any) -> Any:
    """(B,), in `keras.ops`: cross entropy, nats, of logits; the weighted mean over the steps that are read."""
    import keras

    of_steps = keras.losses.sparse_categorical_crossentropy(stream.targets, outputs, from_logits=True)
    return weighted_mean(of_steps, stream.weights)


def scores_of_classes(stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """(B,) each: `accuracy` over the steps that are scored, and `loss`."""
    right = np.where(np.isfinite(outputs).all(axis=-1), outputs.argmax(axis=-1) == stream.targets, math.nan)
    return {
        "accuracy": mean_of_steps(right, stream.scored_only.weights),
        "loss": mean_of_steps(cross_entropy(stream.targets, outputs), stream.weights),
    }


def loss_of_values(stream: Stream, outputs: Any) -> Any:
    """(B,), in `keras.ops`: mean squared error over the outputs; the weighted mean over the steps that are read."""
    import keras

    return weighted_mean(keras.losses.mean_squared_error(stream.targets, outputs), stream.weights)


def scores_of_values(stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """(B,) each: `mse` and `mae` over the steps that are scored, and `loss`."""
    error = outputs.astype(np.float64) - stream.targets
    squares, scored = np.mean(error**2, axis=-1), stream.scored_only.weights
    return {
        "mse": mean_of_steps(squares, scored),
        "mae": mean_of_steps(np.mean(np.abs(error), axis=-1), scored),
        "loss": mean_of_steps(squares, stream.weights),
    }


def _without_inputs(streams: Iterable[Stream]) -> Iterator[Stream]:
    return (stream._replace(features=None, tokens=None) for stream in streams)


def weighted_mean(of_steps: Any, weights: Any | None) -> Any:
    """(B, R) to (B,), in `keras.ops`: the mean over the steps that are read, 0 for an example without any weight."""
    from keras import ops

    if weights is None:
        return ops.mean(of_steps, axis=-1)
    weights = ops.cast(weights, of_steps.dtype)
    total = ops.sum(weights, axis=-1)
    # Not multiplied by 0: padding may be read from states whose loss overflows.
    summed = ops.sum(ops.where(weights > 0, weights * of_steps, 0.0), axis=-1)
    return summed / ops.where(total > 0, total, 1.0)


def mean_of_steps(of_steps: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """(B, R) to (B,) in float64: the weighted mean over the steps that are read."""
    if weights is None:
        return of_steps.mean(axis=-1, dtype=np.float64)
    summed = np.where(weights > 0, weights * of_steps, 0.0).sum(axis=-1, dtype=np.float64)
    return summed / weights.sum(axis=-1, dtype=np.float64)


def cross_entropy(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """-log softmax(logits)[target] in nats, shaped like `targets`, computed in float64."""
    if logits.shape[-1] > _MANY_CLASSES:
        last = logits.astype(np.float64)
        last -= last.max(axis=-1, keepdims=True)
        right = np.take_along_axis(last, targets[..., None].astype(np.int64), axis=-1)[..., 0]
        of_all: np.ndarray = np.log(np.exp(last, out=last).sum(axis=-1))
        return of_all - right
    # Classes first: NumPy sums slowly over a short last axis.
    by_class = np.moveaxis(logits, -1, 0).astype(np.float64, order="C")
    peak = by_class.max(axis=0)
    log_sum = peak + np.log(np.exp(by_class - peak).sum(axis=0))
    return log_sum - np.take_along_axis(by_class, targets[None].astype(np.int64), axis=0)[0]
