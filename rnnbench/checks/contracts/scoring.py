"""Loss, scores, their direction, and the memoryless level."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from rnnbench.checks.contracts import answers
from rnnbench.checks.contracts.check import NotCheckedError, require
from rnnbench.checks.contracts.leaks import told_by_lag_and_readout
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.tasks.base import ClassificationTask, RegressionTask, Task

_ROWS = 64
_RESAMPLES = 12
_SPREADS = 4
"""Standard errors within which a level counts as reached."""


def losses(points: Points) -> None:
    """One finite number per example, which depends on that example alone and neither on lag nor on filler."""
    task, (_, targets) = points.first.task, points.first.test
    targets = targets[:_ROWS]
    outputs = answers.random(task, len(targets), task.layout.length)
    for name in ("loss", "readout_loss"):
        found = _loss(task, name, targets, outputs)
        require(found.shape == (len(targets),), f"{name} must be one number per example; its shape is {found.shape}")
        require(np.isfinite(found).all(), f"{name} must be finite")
        alone = _loss(task, name, targets[1:2], outputs[1:2])
        message = f"{name} of an example must not depend on the others in its batch"
        require(np.allclose(found[1:2], alone, rtol=1e-4, atol=1e-6), message)
        for point in points:
            same = np.array_equal(found, _loss(point.task, name, targets, outputs))
            what = "filler" if point.task.lag == task.lag else "lag"
            require(same, f"{name} must not look at the {what}: one compiled step serves all")


def scores(points: Points) -> None:
    """Named, finite, a function of answers and targets alone whatever their order; better answers score better."""
    task, (_, targets) = points.first.task, points.first.test
    outputs = answers.random(task, len(targets), task.layout.length)
    found, again = (_scores(task, targets, outputs) for _ in range(2))
    require({task.score.name, "loss"} <= set(found), f"scores must hold '{task.score.name}' and 'loss'")
    for name, value in found.items():
        same = value == again[name] or (np.isnan(value) and np.isnan(again[name]))
        said = f"two calls with the same answers gave {name} {value:.4g} and {again[name]:.4g}"
        require(same, f"scores must be a function of targets and outputs: {said}")
        require(np.isfinite(value), f"scores of random answers must be finite; {name} is {value}")
    order = np.random.default_rng(1).permutation(len(targets))
    for name, value in _scores(task, targets[order], outputs[order]).items():
        same = np.isclose(value, found[name], rtol=1e-4, atol=1e-6)
        require(same, f"scores must not look at the order of the examples: {name} {found[name]:.6g}, then {value:.6g}")
    _blind_to_the_lag(points, targets, outputs, found)
    _rise_with_the_answers(task, targets, found)


def memoryless_level(points: Points) -> None:
    """`memoryless()` is the score of the best memoryless answer on the test split, and has skill 0."""
    for point in points:
        task = point.task
        memoryless = task.memoryless()
        require(np.isfinite(memoryless), f"memoryless() must be finite, it is {memoryless}")
        require(
            memoryless != task.score.perfect,
            f"memoryless() is the perfect score, {memoryless:g}: there is no skill between them",
        )
        require(
            abs(task.skill(memoryless)) < 1e-9,
            f"the memoryless level must have skill 0, it has {task.skill(memoryless):.3g}",
        )
        require(abs(task.skill(task.score.perfect) - 1) < 1e-9, "the perfect score must have skill 1")
        require(
            task.better(task.score.perfect, memoryless),
            f"perfect ({task.score.perfect:g}) must be better than memoryless() ({memoryless:g})",
        )
        require(task.levels(), "levels() must hold at least the memoryless level")
        _is_reached(point, memoryless)


def only_in_the_evidence(points: Points) -> None:
    """Lag and readout reveal no more about the answer than `memoryless()` concedes."""
    if points.spread:
        raise NotCheckedError("the evidence grows with the lag, so that it has no end before the readout")
    for point in points:
        told = told_by_lag_and_readout(point)
        if told is None:
            continue
        task, (_, targets) = point.task, point.test
        level, error = (None, np.nan) if told.outputs is None else _level(task, targets, told.outputs)
        memoryless = task.memoryless()
        # A question at the readout may shift the odds: then memoryless() must say so.
        granted = level is not None and (
            not task.better(level, memoryless) or abs(level - memoryless) <= _SPREADS * error
        )
        name = task.score.name
        reached = (
            f"{name} {level:.3g}, memoryless() says {memoryless:.3g}"
            if level is not None
            else "better than by any constant"
        )
        require(granted, f"the answer can be told {told.where}: {reached} (lag {task.lag}, {task.filler})")


def _is_reached(point: Point, memoryless: float) -> None:
    """Require the level to lie between the memoryless answers fitted to training and to the test split."""
    task, (_, targets) = point.task, point.test
    reached = [_best(task, targets, answers.constant(task, known, len(targets))) for known in (point.train[1], targets)]
    if None in reached:
        reached = [_of_shuffled_answers(task, targets)]
    told = told_by_lag_and_readout(point)
    if told is not None and told.outputs is not None:
        reached = [_best(task, targets, [told.outputs]) or reached[0], *reached[1:]]
    found = sorted((level for level in reached if level is not None), key=lambda level: level[0])
    (low, low_error), (high, high_error) = found[0], found[-1]
    margin = 1e-6 * abs(high) + 1e-9
    if low - _SPREADS * low_error - margin <= memoryless <= high + _SPREADS * high_error + margin:
        return
    best, name = (high if task.score.perfect > low else low), task.score.name
    require(
        not task.better(best, memoryless),
        f"memoryless() is {memoryless:.4g}; a memoryless answer scores {name} {best:.4g}",
    )
    # A naive forecast may be better than any constant; the task then draws it under a name of its own.
    named = any(level == memoryless for level_name, level in task.levels().items() if level_name != "chance")
    require(named, f"memoryless() is {memoryless:.4g}; the best memoryless answer scores {name} only {best:.4g}")


def _best(task: Task, targets: np.ndarray, outputs: Iterable[np.ndarray]) -> tuple[float, float] | None:
    """The best score among answers, with its standard error; None where none has a score."""
    best: tuple[float, float] | None = None
    for answer in outputs:
        level, error = _level(task, targets, answer)
        if level is not None and (best is None or task.better(level, best[0])):
            best = level, error
    return best


def _of_shuffled_answers(task: Task, targets: np.ndarray) -> tuple[float, float]:
    """The level of right answers given to the wrong examples, for a score that is undefined for constant answers."""
    outputs, rng = answers.right(task, targets), np.random.default_rng(2)
    if outputs is None:
        raise NotCheckedError("only the task knows what its outputs mean")
    found = [_scores(task, targets, outputs[rng.permutation(len(targets))])[task.score.name] for _ in range(_RESAMPLES)]
    if not np.isfinite(found).all():
        raise NotCheckedError(f"memoryless answers have no {task.score.name}")
    return float(np.mean(found)), float(np.std(found, ddof=1))


def _level(task: Task, targets: np.ndarray, outputs: np.ndarray) -> tuple[float | None, float]:
    """The score of an answer, None where it has none, and its standard error by resampling the examples."""
    found = _scores(task, targets, outputs)[task.score.name]
    if not np.isfinite(found):
        return None, np.nan
    rng = np.random.default_rng(0)
    drawn = (rng.integers(len(targets), size=len(targets)) for _ in range(_RESAMPLES))
    again = np.array([_scores(task, targets[index], outputs[index])[task.score.name] for index in drawn])
    return found, float(np.nanstd(again, ddof=1))


def _blind_to_the_lag(points: Points, targets: np.ndarray, outputs: np.ndarray, found: dict[str, float]) -> None:
    # Where every step is answered, longer sequences have more answers to score.
    if points.first.task.answers_every_step:
        return
    for point in points:
        for name, value in _scores(point.task, targets, outputs).items():
            what = "filler" if point.task.lag == points.first.task.lag else "lag"
            same = np.isclose(value, found[name], rtol=1e-9)
            require(same, f"scores must not look at the {what}: {name} of the same answers differs")


def _rise_with_the_answers(task: Task, targets: np.ndarray, of_random: dict[str, float]) -> None:
    """Right answers have the perfect score, and others a worse one in the direction that the task declares."""
    outputs = answers.right(task, targets)
    if outputs is None:
        return
    name = task.score.name
    of_right = _scores(task, targets, outputs)
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


def _loss(task: Task, name: str, targets: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return np.asarray(getattr(task, name)(targets, outputs))


def _scores(task: Task, targets: np.ndarray, outputs: np.ndarray) -> dict[str, Any]:
    # A correlation of constant answers is undefined, as expected.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return {name: float(value) for name, value in task.scores(targets, outputs).items()}
