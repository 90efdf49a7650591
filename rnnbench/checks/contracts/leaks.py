"""Whether the answer leaks: small learners look for it in the lag and at the readout, without the evidence."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from rnnbench.checks.contracts import answers
from rnnbench.checks.contracts.points import Point
from rnnbench.tasks.stream import Stream

_ERRORS = 5.0
"""Standard errors by which a learner must beat a constant. With fifty of them, 4 would fail 1 task in 600."""
_TARGETS = 8
"""At most so many output values or classes are predicted."""
_COLUMNS, _PAIRS, _CODES, _STEPS, _ROWS = 300, 16, 16, 6, 2000


_View = Callable[[np.ndarray], np.ndarray]
"""The steps that a learner sees, (rows, steps), from those where the rows are answered; -1 where there is none."""


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


class _Rows(NamedTuple):
    """The examples of a stream that are answered, at one of the R steps that are read."""

    stream: Stream
    rows: np.ndarray
    steps: np.ndarray
    """(rows,): where each is read."""

    def targets(self, read: int) -> np.ndarray:
        return self.stream.targets[self.rows, read]


@lru_cache(maxsize=4)
def told_by_lag_and_readout(point: Point) -> Told | None:
    """The best answer learnt from what follows the evidence, if it is better than a constant; else None.

    The learners are ridge regression on the inputs, their codes and pairwise products, and randomised trees, which find
    any code of few inputs. They learn from training batches and are judged on validation and test. What is read before
    the readout, or is padding, or is not scored, is left out.
    """
    best: tuple[float, str, int, np.ndarray] | None = None
    for read in _read(point):
        parts = [_rows(point, stream, read) for stream in (point.train, point.validation, point.test)]
        held = len(parts[1].rows) + len(parts[2].rows)
        # Fewer cannot beat a constant by so many standard errors.
        if len(parts[0].rows) < 2 or held < _ERRORS**2:
            continue
        for where, view in _views(point, max(int(part.steps.max(initial=0)) for part in parts)):
            problem = _problem(parts, read, view)
            if problem is None:
                continue
            for predicted in _learners(problem):
                advantage = _advantage(problem.held_y, predicted)
                if advantage > _ERRORS and (best is None or advantage > best[0]):
                    best = advantage, where, read, predicted[len(parts[1].rows) :]
    return None if best is None else Told(best[1], _as_outputs(point, best[2], best[3]))


def _asked(point: Point, stream: Stream) -> np.ndarray:
    """(examples, R) bool: what is read at the readout, and scored."""
    late = point.read_steps(stream) >= point.task.layout.first_readout
    weights = stream.scored_only.weights
    return late if weights is None else late & (weights > 0)


def _read(point: Point) -> list[int]:
    """Which of the R answers are predicted: the first, middle and last; the first alone where later readout steps show
    the earlier answers."""
    asked = np.flatnonzero(_asked(point, point.train).any(axis=0))
    if point.task.feeds_back:
        asked = asked[:1]
    return sorted({int(asked[0]), int(asked[(len(asked) - 1) // 2]), int(asked[-1])}) if len(asked) else []


def _rows(point: Point, stream: Stream, read: int) -> _Rows:
    if read >= stream.targets.shape[1]:
        return _Rows(stream, *(np.zeros(0, np.int64),) * 2)
    index = np.flatnonzero(_asked(point, stream)[:, read])
    return _Rows(stream, index, point.read_steps(stream)[index, read])


def _views(point: Point, last: int) -> Iterator[tuple[str, _View]]:
    """Which steps a learner sees, none later than the answer (`last`: the latest): the readout, single steps of the
    lag, and all."""
    layout = point.task.layout
    lag = np.arange(layout.evidence, layout.first_readout)

    def readout(steps: np.ndarray) -> np.ndarray:
        # Counted back from the step that is read, which may differ from example to example.
        seen = steps[:, None] - np.arange(last - layout.first_readout, -1, -1)
        return np.where(seen >= layout.first_readout, seen, -1)

    def fixed(steps: np.ndarray, seen: np.ndarray) -> np.ndarray:
        return np.broadcast_to(seen, (len(steps), len(seen)))

    yield "at the readout", readout
    for at in lag[np.unique(np.linspace(0, len(lag) - 1, _STEPS).round().astype(int))] if len(lag) else []:
        yield f"in step {at - layout.evidence + 1} of the lag", partial(fixed, seen=np.array([at]))
    if len(lag):
        yield "in the lag and at the readout", lambda steps: np.concatenate([fixed(steps, lag), readout(steps)], axis=1)


def _problem(parts: list[_Rows], read: int, view: _View) -> _Problem | None:
    """None where all examples look the same at these steps."""
    train, *others = [_seen(part, view) for part in parts]
    held, train = np.concatenate(others), train[-_ROWS:]
    varying = (train != train[:1]).any(axis=0)
    if not varying.any():
        return None
    train, held = train[:, varying], held[:, varying]
    y, held_y = _answers(parts, read)
    y = y[-_ROWS:]
    chosen = _telling(train, y, _COLUMNS)
    return _Problem(train[:, chosen], y, held[:, chosen], held_y)


def _seen(part: _Rows, view: _View) -> np.ndarray:
    """What a learner sees, (rows, columns) float32: features, then tokens; 0 and -1 where there is no such step."""
    steps = view(part.steps)
    found = []
    for array, nothing in ((part.stream.features, 0), (part.stream.tokens, -1)):
        if array is not None:
            seen = array[part.rows[:, None], steps].astype(np.float32)
            seen[steps < 0] = nothing
            found.append(seen.reshape(len(seen), math.prod(seen.shape[1:])))
    return np.concatenate(found, axis=1)


def _answers(parts: list[_Rows], read: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers of training, and of validation and test: classes as indicators, values in standard deviations."""
    train, held = parts[0].targets(read), np.concatenate([part.targets(read) for part in parts[1:]])
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


def _as_outputs(point: Point, read: int, predicted: np.ndarray) -> np.ndarray | None:
    """The learner's answers to the test split at one read step, constant ones elsewhere, as a network gives them."""
    task, test = point.task, point.test
    if not (answers.classes(task, test.targets) or answers.values(task, test.targets)):
        return None
    outputs = next(answers.constant(task, point.train, test)).copy()
    train, rows = _rows(point, point.train, read).targets(read), _rows(point, test, read).rows
    here = outputs[rows, read]
    if answers.classes(task, test.targets):
        here[:, _frequent_classes(train)] = np.log(np.clip(predicted, 1e-6, None))
    else:
        kept = _spread(task.outputs)
        centre, deviation = train[:, kept].mean(axis=0), train[:, kept].std(axis=0)
        here[:, kept] = centre + predicted * np.where(deviation > 0, deviation, 1)
    outputs[rows, read] = here
    return outputs
