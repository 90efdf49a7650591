"""Levels of tasks with features whose answers are classes or numbers, one or one for each of many steps.

Classes are targets (n, R) int32, numbers (n, R, outputs). Steps of weight 0 are neither fitted nor scored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from rnnbench.tasks import simple_models
from rnnbench.tasks.base import Split
from rnnbench.tasks.supervised import mean_of_steps

_FITTED = 20_000
"""At most so many training answers are fitted."""
_NUMBERS = 40_000_000
"""At most so many numbers are seen in training: 160 MB."""
_COLUMNS = 4_000
"""At most so many features of a sequence; longer ones are shown as means of equal stretches of steps."""
_NEIGHBOURHOOD = 400
"""At most so many features of a step and its neighbours."""
_JUDGED = 50_000
"""At most so many answers of a split are judged where each step has one."""
_CHUNK = 1_000


def best_constant(task: Any, split: Split) -> float:
    """The score of the most frequent class of the split, or of 0, the mean of scaled training answers.

    Of several answers also that of the class or mean of each read step in training, if it is better.
    """
    held, weights = task.examples(split).targets, task.step_weights(split)
    whole = _weights(held, weights)
    # Of each example alike, as scores are.
    shares = whole / whole.sum(axis=1, keepdims=True)
    classes = held.ndim == 2
    best = np.bincount(held.ravel(), shares.ravel()).argmax() if classes else np.zeros(held.shape[2])
    found = [_score(np.broadcast_to(best, held.shape), held, weights)]
    if held.shape[1] > 1:
        known = task.examples("train").targets
        of_train = _weights(known, task.step_weights("train"))
        pairs = zip(known.swapaxes(0, 1), of_train.T, strict=True)
        each = [_of_step(answers, weighted, best) for answers, weighted in pairs]
        found.append(_score(np.broadcast_to(np.array(each), held.shape), held, weights))
    return max(found) if classes else min(found)


def _of_step(answers: np.ndarray, weights: np.ndarray, otherwise: Any) -> Any:
    if not weights.any():
        return otherwise
    return np.bincount(answers, weights).argmax() if answers.ndim == 1 else np.average(answers, 0, weights)


def in_view(task: Any) -> dict[str, float]:
    """Score, by split, of logistic regression or ridge that sees the whole evidence of a task at once.

    One answer: from the features of all steps. One for each step: a model for all of them, from the features of the
    step and its neighbours on both sides.
    """
    many = task.layout.readout > 1
    width, steps = task.examples("train").evidence.shape[2], task.layout.evidence
    reach = min(steps - 1, max(1, _NEIGHBOURHOOD // width // 2)) if many else 0
    columns = (2 * reach + 1) * width if many else min(_COLUMNS, width * steps)
    limit = min(_FITTED, _NUMBERS // columns)
    seen = {
        split: _seen(task, split, reach if many else None, _JUDGED if split != "train" else limit)
        for split in ("train", "validation", "test")
    }
    train, held = seen["train"], seen["validation"]
    classes = train.answers.ndim == 1
    model = simple_models.logistic if classes else simple_models.ridge
    answers = model(train.features[:limit], train.answers[:limit], held.features, held.answers)
    scores = {}
    for split in ("validation", "test"):
        found = seen[split]
        answered = np.zeros_like(found.targets, dtype=np.int32 if classes else np.float64)
        answered[found.asked] = answers(found.features)
        scores[split] = _score(answered, found.targets, found.weights)
    return scores


class _Seen(NamedTuple):
    """What a model sees of a split."""

    features: np.ndarray
    """(answers, columns)"""
    answers: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None
    asked: np.ndarray
    """(n, R) bool"""


def _seen(task: Any, split: str, reach: int | None, limit: int) -> _Seen:
    """At most some `limit` answers, of whole examples in a random order."""
    examples, weights = task.examples(split), task.step_weights(split)
    counts = _weights(examples.targets, weights).sum(axis=1)
    order = np.random.default_rng(0).permutation(len(counts))
    if split == "train" or reach is not None:
        order = order[: max(1, int(np.searchsorted(np.cumsum(counts[order]), limit, side="right")))]
    targets = examples.targets[order]
    weights = None if weights is None else weights[order]
    asked = _weights(targets, weights) > 0
    parts = [
        _whole(evidence) if reach is None else _around(evidence, reach)[asked[first : first + len(evidence)]]
        for first, evidence in _chunks(examples.evidence, order)
    ]
    return _Seen(np.concatenate(parts), targets[asked], targets, weights, asked)


def _chunks(evidence: Any, order: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for first in range(0, len(order), _CHUNK):
        yield first, evidence[order[first : first + _CHUNK]]


def _whole(evidence: np.ndarray) -> np.ndarray:
    """(n, steps, width) as (n, columns): each step, or the means of as many stretches as columns allow."""
    n, steps, width = evidence.shape
    kept = max(1, _COLUMNS // width)
    if steps > kept:
        edges = np.linspace(0, steps, kept + 1).astype(int)
        evidence = np.add.reduceat(evidence, edges[:-1], axis=1) / np.diff(edges)[:, None]
    return evidence.reshape(n, -1)


def _around(evidence: np.ndarray, reach: int) -> np.ndarray:
    """(n, steps, width) as (n, steps, columns): each step with `reach` steps on both sides, zeros beyond the ends."""
    beyond = np.pad(evidence, ((0, 0), (reach, reach), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(beyond, 2 * reach + 1, axis=1)
    return windows.reshape(*evidence.shape[:2], -1)


def _weights(targets: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    return np.ones(targets.shape[:2]) if weights is None else weights.astype(np.float64)


def _score(answers: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> float:
    """Accuracy of classes, mean squared error of numbers: the mean over the examples."""
    right = answers == targets if targets.ndim == 2 else ((answers - targets.astype(np.float64)) ** 2).mean(axis=-1)
    return float(mean_of_steps(right, weights).mean())
