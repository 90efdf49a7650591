"""Whether the answer leaks: small learners look for it in the lag and at the readout, without the evidence."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rnnbench.checks.contracts import answers
from rnnbench.checks.contracts.points import Point
from rnnbench.tasks.base import Batch, Task

_ERRORS = 5.0
"""Standard errors by which a learner must beat a constant. With fifty of them, 4 would fail 1 task in 600."""
_TARGETS = 8
"""At most so many output values or classes are predicted."""
_COLUMNS, _PAIRS, _CODES, _STEPS, _ROWS = 300, 16, 16, 6, 2000


class Told(NamedTuple):
    """An answer that a learner gave without the evidence."""

    where: str
    """`at the readout`, `in step 4 of the lag`, `in the lag and at the readout`."""
    outputs: np.ndarray | None
    """In the form of the network's answers to the test split; None where only the task knows what those mean."""


class _Problem(NamedTuple):
    """Inputs and answers of a learner: a row per example, the answers as numbers."""

    x: np.ndarray
    y: np.ndarray
    held_x: np.ndarray
    held_y: np.ndarray
    """Of validation and test together."""


@lru_cache(maxsize=4)
def told_by_lag_and_readout(point: Point) -> Told | None:
    """The best answer learnt from what follows the evidence, if it is better than a constant; else None.

    The learners are ridge regression on the inputs, their codes and pairwise products, and randomised trees, which find
    any code of few inputs. They learn from training batches and are judged on validation and test.
    """
    best: tuple[float, str, int, np.ndarray] | None = None
    for step in _answered_steps(point.task):
        for where, steps in _views(point, step):
            problem = _problem(point, step, steps)
            if problem is None:
                continue
            for predicted in _learners(problem):
                advantage = _advantage(problem.held_y, predicted)
                if advantage > _ERRORS and (best is None or advantage > best[0]):
                    best = advantage, where, step, predicted[-len(point.test[0]) :]
    return None if best is None else Told(best[1], _as_outputs(point, best[2], best[3]))


def _answered_steps(task: Task) -> list[int]:
    """Steps whose answers are predicted: the last or, of many readout steps, the first, middle and last."""
    layout = task.layout
    if not task.answers_every_step:
        return [layout.length - 1]
    first, last = layout.first_readout, layout.length - 1
    return sorted({first, (first + last) // 2, last})


def _views(point: Point, step: int) -> Iterator[tuple[str, np.ndarray]]:
    """Which steps a learner sees, none later than the answer: the readout, single steps of the lag, and all."""
    layout = point.task.layout
    readout = np.arange(layout.first_readout, step + 1)
    lag = np.arange(layout.evidence, layout.first_readout)
    yield "at the readout", readout
    for at in lag[np.unique(np.linspace(0, len(lag) - 1, _STEPS).round().astype(int))] if len(lag) else []:
        yield f"in step {at - layout.evidence + 1} of the lag", np.array([at])
    if len(lag):
        yield "in the lag and at the readout", np.concatenate([lag, readout])


def _problem(point: Point, step: int, steps: np.ndarray) -> _Problem | None:
    """None where all examples look the same at these steps."""
    parts = [_part(rows, steps) for rows in (point.train, point.validation, point.test)]
    train, held = parts[0][-_ROWS:], np.concatenate(parts[1:])
    varying = (train != train[:1]).any(axis=0)
    if not varying.any():
        return None
    train, held = train[:, varying], held[:, varying]
    y, held_y = _answers(point, step)
    y = y[-_ROWS:]
    chosen = _telling(train, y, _COLUMNS)
    return _Problem(train[:, chosen], y, held[:, chosen], held_y)


def _part(batch: Batch, steps: np.ndarray) -> np.ndarray:
    return batch[0][:, steps].reshape(len(batch[0]), -1).astype(np.float32)


def _answers(point: Point, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers of training, and of validation and test: classes as indicators, values in standard deviations."""
    task = point.task
    at = (slice(None), step) if task.answers_every_step else (slice(None),)
    train, held = point.train[1][at], np.concatenate([point.validation[1][at], point.test[1][at]])
    if train.ndim == 1 and np.issubdtype(train.dtype, np.integer):
        kept = _frequent_classes(train)
        train, held = ((part[:, None] == kept).astype(np.float32) for part in (train, held))
        return train, held
    train, held = (part.reshape(len(part), -1).astype(np.float32) for part in (train, held))
    kept = _spread(train.shape[1])
    centre, deviation = train[:, kept].mean(axis=0), train[:, kept].std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1)
    return (train[:, kept] - centre) / deviation, (held[:, kept] - centre) / deviation


def _frequent_classes(targets: np.ndarray) -> np.ndarray:
    found, counts = np.unique(targets, return_counts=True)
    return np.sort(found[np.argsort(-counts, kind="stable")[: 2 * _TARGETS]])


def _spread(columns: int) -> np.ndarray:
    return np.unique(np.linspace(0, columns - 1, _TARGETS).round().astype(int))


def _telling(x: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
    """The columns that correlate most with an answer."""
    if x.shape[1] <= count:
        return np.arange(x.shape[1])
    z, answers_ = _standard(x), _standard(y)
    alone = np.abs(z.T @ answers_).max(axis=1)
    return np.sort(np.argsort(-alone, kind="stable")[:count])


def _learners(problem: _Problem) -> Iterator[np.ndarray]:
    """Each learner's predictions for the held-out examples."""
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.linear_model import Ridge

    x, held = problem.x, problem.held_x
    pairs = _pairs(x, problem.y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linear = Ridge(alpha=10.0).fit(_features(x, x, pairs), problem.y)
        yield np.asarray(linear.predict(_features(held, x, pairs))).reshape(problem.held_y.shape)
        told = sorted({column for pair in pairs for column in pair})
        few = np.arange(x.shape[1]) if x.shape[1] <= 2 * _PAIRS else np.array(told)
        trees = ExtraTreesRegressor(n_estimators=20, max_depth=8, min_samples_leaf=5, random_state=0).fit(
            x[:, few], problem.y
        )
        yield np.asarray(trees.predict(held[:, few])).reshape(problem.held_y.shape)


def _features(rows: np.ndarray, train: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Columns, indicators of the codes of those that take few values, and products."""
    centre, deviation = train.mean(axis=0), train.std(axis=0) + 1e-6
    z = (rows - centre) / deviation
    parts = [z, *(z[:, [a]] * z[:, [b]] for a, b in pairs)]
    for column in range(min(train.shape[1], 4 * _CODES)):
        found = np.unique(train[:, column])
        if 2 < len(found) <= 8 * _CODES:
            parts.append((rows[:, [column]] == found).astype(np.float32))
    return np.concatenate(parts, axis=1)


def _pairs(x: np.ndarray, y: np.ndarray) -> list[tuple[int, int]]:
    """The pairs of columns, a column with itself included, whose products correlate most with an answer."""
    z, answered = _standard(x), _standard(y)
    strength = np.zeros((x.shape[1],) * 2, np.float32)
    for target in answered.T:
        np.maximum(strength, np.abs((z * target[:, None]).T @ z), out=strength)
    upper = np.triu(strength)
    best = np.argsort(-upper, axis=None, kind="stable")[:_PAIRS]
    return [(int(a), int(b)) for a, b in zip(*np.unravel_index(best, upper.shape), strict=True)]


def _standard(values: np.ndarray) -> np.ndarray:
    return ((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)).astype(np.float32)


def _advantage(answered: np.ndarray, predicted: np.ndarray) -> float:
    """By how many standard errors the squared error is below that of the best constant answer."""
    constant = ((answered - answered.mean(axis=0)) ** 2).sum(axis=1)
    gained = constant - ((answered - predicted) ** 2).sum(axis=1)
    # The sum over the root of the sum of squares, so that few examples can never look certain.
    size = float(np.sqrt((gained.astype(np.float64) ** 2).sum()))
    return float(gained.sum()) / size if size > 0 else 0.0


def _as_outputs(point: Point, step: int, predicted: np.ndarray) -> np.ndarray | None:
    """The learner's answers to the test split at one step, constant ones elsewhere, as a network would give them."""
    task, (_, targets) = point.task, point.test
    if not (answers.classes(task, targets) or answers.values(task, targets)):
        return None
    outputs = next(answers.constant(task, point.train[1], len(targets))).copy()
    at = (slice(None), step) if task.answers_every_step else (slice(None),)
    here = outputs[at]
    train = point.train[1][at]
    if answers.classes(task, targets):
        here[:, _frequent_classes(train)] = np.log(np.clip(predicted, 1e-6, None))
    else:
        kept = _spread(task.outputs)
        centre, deviation = train[:, kept].mean(axis=0), train[:, kept].std(axis=0)
        here[:, kept] = centre + predicted * np.where(deviation > 0, deviation, 1)
    outputs[at] = here
    return outputs
