"""Loss, scores and metrics: of each example, blind to the lag and to padding, better for better answers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np

from rnnbench.checks.contracts import answers
from rnnbench.checks.contracts.check import require
from rnnbench.checks.contracts.points import Points
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream
from rnnbench.tasks.supervised import ClassificationTask, RegressionTask

_ROWS = 64


def losses(points: Points) -> None:
    """One finite number per example, of that example alone: not of the lag, the filler or padding."""
    task, stream = points.first.task, points.first.test.rows(slice(_ROWS))
    outputs = answers.random(task, stream)
    # The probe differentiates the loss of what is scored alone.
    for of in (stream, stream.scored_only):
        found = _loss(task, of, outputs)
        require(found.shape == (of.examples,), f"loss must be one number per example; its shape is {found.shape}")
        require(np.isfinite(found).all(), "loss must be finite")
        alone = _loss(task, of.rows(slice(1, 2)), outputs[1:2])
        message = "loss of an example must not depend on the others in its batch"
        require(np.allclose(found[1:2], alone, rtol=1e-4, atol=1e-6), message)
        elsewhere = _loss(task, of, _changed(task, of, outputs, _padding(of)))
        same = np.allclose(found, elsewhere, rtol=1e-5, atol=1e-7)
        require(same, "loss must not depend on answers at read steps of weight 0")
        for point in points:
            what = "filler" if point.task.lag == task.lag else "lag"
            same = np.array_equal(found, _loss(point.task, of, outputs))
            require(same, f"loss must not look at the {what}: one compiled step serves all")


def scores(points: Points) -> None:
    """Of each example, finite, a function of answers and targets alone; better answers score better."""
    task, stream = points.first.task, points.first.test
    outputs = answers.random(task, stream)
    found, again = (_scores(task, stream, outputs) for _ in range(2))
    for name, value in found.items():
        shape = f"its shape is {value.shape}"
        require(value.shape == (stream.examples,), f"scores must be one number per example, (B,): {name}, {shape}")
        same = np.array_equal(value, again[name], equal_nan=True)
        require(same, f"scores must be a function of targets and outputs: two calls gave other values of {name}")
    require(task.metric() is not task.metric(), "metric() must give a new Metric at each call")
    split = metrics(task, [stream], [outputs])
    require({task.score.name, "loss"} <= set(split), f"the metrics must hold '{task.score.name}' and 'loss'")
    for name, number in split.items():
        require(np.isfinite(number), f"scores of random answers must be finite; {name} is {number}")
    order = np.random.default_rng(1).permutation(stream.examples)
    for name, value in _scores(task, stream.rows(order), outputs[order]).items():
        same = np.allclose(value, found[name][order], rtol=1e-4, atol=1e-6, equal_nan=True)
        require(same, f"scores must not look at the order of the examples: {name} of the same examples differs")
    for name, value in _scores(task, stream.rows(slice(1, 2)), outputs[1:2]).items():
        same = np.allclose(value, found[name][1:2], rtol=1e-4, atol=1e-6, equal_nan=True)
        require(same, f"scores of an example must not depend on the others in its batch: {name} does")
    _blind_to_padding(task, stream, outputs, split)
    _blind_to_the_lag(points, stream, outputs, found)
    _rise_with_the_answers(task, stream, split)


def split_metric(points: Points) -> None:
    """What a metric gives for a split does not depend on the batches in which it came."""
    task, stream = points.first.task, points.first.test
    outputs = answers.random(task, stream)
    whole = metrics(task, [stream], [outputs])
    # Of different sizes, or a mean of the batches' means would pass.
    cut = stream.examples // 4
    if not cut:
        return
    parts = slice(cut), slice(cut, None)
    for name, value in metrics(task, map(stream.rows, parts), [outputs[part] for part in parts]).items():
        same = np.isclose(value, whole[name], rtol=1e-6, atol=1e-9, equal_nan=True)
        say = f"{name} is {whole[name]:.6g} of one batch, {value:.6g} of two"
        require(same, f"metric() must not look at how a split is cut into batches: {say}")


def metrics(task: Task, streams: Iterable[Stream], outputs: Iterable[np.ndarray]) -> dict[str, float]:
    """What a split's metrics come to."""
    metric = task.metric()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for stream, answered in zip(streams, outputs, strict=True):
            metric.update(stream, answered)
        return {name: float(estimate.value) for name, estimate in metric.result().items()}


def _loss(task: Task, stream: Stream, outputs: np.ndarray) -> np.ndarray:
    return np.asarray(task.loss(stream, outputs))


def _scores(task: Task, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
    # A correlation of constant answers is undefined, as expected.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return {name: np.asarray(value) for name, value in task.scores(stream, outputs).items()}


def _padding(stream: Stream) -> np.ndarray:
    """(examples, R) bool: the read steps of weight 0."""
    weights = stream.weights
    return np.zeros(stream.targets.shape[:2], bool) if weights is None else weights == 0


def _changed(task: Task, stream: Stream, outputs: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The outputs, with others at some of the read steps."""
    return np.where(where[..., None], 3 * answers.random(task, stream, seed=1), outputs)


def _blind_to_padding(task: Task, stream: Stream, outputs: np.ndarray, found: dict[str, float]) -> None:
    # Who decides by himself when to end says more than was asked for, and other metrics may count that.
    told = {task.score.name, *task.teacher_forced} if task.feeds_back else set(found)
    for name, value in metrics(task, [stream], [_changed(task, stream, outputs, _padding(stream))]).items():
        same = name not in told or np.isclose(value, found[name], rtol=1e-6, atol=1e-9)
        require(same, f"scores must not depend on answers at read steps of weight 0: {name} does")
    name, unscored = task.score.name, _padding(stream.scored_only)
    value = metrics(task, [stream], [_changed(task, stream, outputs, unscored)])[name]
    same = np.isclose(value, found[name], rtol=1e-6, atol=1e-9)
    require(same, f"{name} must not depend on answers at read steps that are not `scored`")


def _blind_to_the_lag(points: Points, stream: Stream, outputs: np.ndarray, found: dict[str, np.ndarray]) -> None:
    for point in points:
        for name, value in _scores(point.task, stream, outputs).items():
            what = "filler" if point.task.lag == points.first.task.lag else "lag"
            same = np.allclose(value, found[name], rtol=1e-9, equal_nan=True)
            require(same, f"scores must not look at the {what}: {name} of the same answers differs")


def _rise_with_the_answers(task: Task, stream: Stream, of_random: dict[str, float]) -> None:
    """Right answers have the perfect score, and others a worse one in the direction that the task declares."""
    outputs = answers.right(task, stream)
    if outputs is None:
        return
    name = task.score.name
    of_right = metrics(task, [stream], [outputs])
    best, other = of_right[name], of_random[name]
    require(np.isfinite(best), f"the right answers must have a score; {name} is {best}")
    direction = f"{name}: right answers {best:.4g}, random ones {other:.4g}"
    require(task.better(best, other), f"right answers must score better in the declared direction ({direction})")
    near = abs(best - task.score.perfect) <= 1e-3 * max(abs(task.score.perfect - other), 1e-9)
    known = isinstance(task, ClassificationTask | RegressionTask)
    require(near or not known, f"right answers score {name} {best:.4g}; `perfect` says {task.score.perfect:g}")
    require(
        not task.better(best, task.score.perfect) or near,
        f"{name} {best:.4g} is better than `perfect`, {task.score.perfect:g}",
    )
    require(of_right["loss"] < of_random["loss"], "right answers must have a lower loss than random ones")
