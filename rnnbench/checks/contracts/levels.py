"""The memoryless level, and whether the answer can be told without the evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from rnnbench.checks.contracts import answers
from rnnbench.checks.contracts.check import NotCheckedError, require
from rnnbench.checks.contracts.data import SPLITS
from rnnbench.checks.contracts.leaks import told_by_lag_and_readout
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.checks.contracts.scoring import metrics
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream

_RESAMPLES = 12
_SPREADS = 4
"""Standard errors within which a level counts as reached."""


def memoryless_level(points: Points) -> None:
    """`memoryless` is the score of the best memoryless answer on the test split."""
    for point in points:
        task = point.task
        for split in SPLITS:
            level = task.memoryless(split)
            require(np.isfinite(level), f"memoryless() must be finite, it is {level} on the {split} split")
        memoryless, perfect = task.memoryless(), task.score.perfect
        say = f"memoryless() is the perfect score, {memoryless:g}: there is no skill between them"
        require(memoryless != perfect, say)
        say = f"perfect ({perfect:g}) must be better than memoryless() ({memoryless:g})"
        require(task.better(perfect, memoryless), say)
        _is_reached(point, memoryless)


def named_levels(points: Points) -> None:
    """`levels` holds both ends of the scale, which skill is 0 and 1 at; decoys are told from counting."""
    for point in points:
        task, levels = point.task, point.task.levels()
        ends = {"memoryless": task.memoryless(), "reference": task.reference()}
        for name, level in ends.items():
            require(name in levels, f"levels() must hold '{name}': it has {', '.join(levels) or 'none'}")
            require(levels[name] == level, f"levels() says {name} {levels[name]:.6g}, {name}() {level:.6g}")
        for name, level in levels.items():
            require(np.isfinite(level), f"levels() must be finite: {name} is {level}")
        memoryless, reference = ends.values()
        worse = task.better(memoryless, reference)
        require(not worse, f"reference() ({reference:.4g}) must not be worse than memoryless() ({memoryless:.4g})")
        if task.filler == "decoy":
            require("position-blind" in levels, "levels() must hold 'position-blind' where decoys fill the lag")
        require(task.distinct() >= 1, f"distinct() must count the sequences of the test split, not {task.distinct()}")
        for level, wanted in ((memoryless, 0.0), (reference, 1.0)):
            skill = task.skill(level)
            right = abs(skill - wanted) < 1e-9 if task.asks_memory() else np.isnan(skill)
            require(right, f"skill of {level:.4g} must be {wanted:g} (NaN where no memory is asked), it is {skill:.3g}")


def solved_by_memory(points: Points) -> None:
    """No answer that is NaN, or the same for all examples, solves; the reference does, if memory is asked."""
    for point in points:
        task, test = point.task, point.test
        require(not task.solves(math.nan, math.nan), "NaN must never be solved")
        require(not task.solves(task.memoryless(), math.nan), "the memoryless level must not be solved")
        for answer in answers.constant(task, point.train, test):
            level, error = _level(task, test, answer)
            say = f"a constant answer must not solve: {task.score.name} {level}"
            require(level is None or not task.solves(level, error), say)
        if task.asks_memory():
            require(task.solves(task.reference(), 0.0), f"the reference, {task.reference():.4g}, must solve")


def only_in_the_evidence(points: Points) -> None:
    """Lag and readout reveal no more about the answer than `memoryless` concedes."""
    if points.spread:
        raise NotCheckedError("the evidence grows with the lag, so that it has no end before the readout")
    for point in points:
        told = told_by_lag_and_readout(point)
        if told is None:
            continue
        task = point.task
        level, error = (None, np.nan) if told.outputs is None else _level(task, point.test, told.outputs)
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
    """Require the level to lie between the memoryless answers fitted to training and to the test split.

    These are one for all steps that are read, and one for each of them.
    """
    task, test = point.task, point.test
    reached = [
        _best(task, test, answers.constant(task, known, test, pooled))
        for known in (point.train, test)
        for pooled in ((False, True) if test.targets.shape[1] > 1 else (False,))
    ]
    if None in reached:
        reached = [_of_shuffled_answers(task, test)]
    told = told_by_lag_and_readout(point)
    if told is not None and told.outputs is not None:
        reached = [_best(task, test, [told.outputs]) or reached[0], *reached[1:]]
    found = sorted((level for level in reached if level is not None), key=lambda level: level[0])
    (low, low_error), (high, high_error) = found[0], found[-1]
    margin = 1e-6 * abs(high) + 1e-9
    if low - _SPREADS * low_error - margin <= memoryless <= high + _SPREADS * high_error + margin:
        return
    best, of = (high if task.score.perfect > low else low), task.score.name
    require(
        not task.better(best, memoryless),
        f"memoryless() is {memoryless:.4g}; a memoryless answer scores {of} {best:.4g}",
    )
    # A naive forecast may be better than any constant; the task then draws it under a name of its own.
    named = any(level == memoryless for name, level in task.levels().items() if name not in ("memoryless", "chance"))
    require(named, f"memoryless() is {memoryless:.4g}; the best memoryless answer scores {of} only {best:.4g}")


def _best(task: Task, stream: Stream, outputs: Iterable[np.ndarray]) -> tuple[float, float] | None:
    """The best score among answers, with its standard error; None where none has a score."""
    best: tuple[float, float] | None = None
    for answer in outputs:
        level, error = _level(task, stream, answer)
        if level is not None and (best is None or task.better(level, best[0])):
            best = level, error
    return best


def _of_shuffled_answers(task: Task, stream: Stream) -> tuple[float, float]:
    """The level of right answers given to the wrong examples, for a score that is undefined for constant answers."""
    outputs, rng, name = answers.right(task, stream), np.random.default_rng(2), task.score.name
    if outputs is None:
        raise NotCheckedError("only the task knows what its outputs mean")
    orders = (rng.permutation(stream.examples) for _ in range(_RESAMPLES))
    found = [metrics(task, [stream], [outputs[order]])[name] for order in orders]
    if not np.isfinite(found).all():
        raise NotCheckedError(f"memoryless answers have no {name}")
    return float(np.mean(found)), float(np.std(found, ddof=1))


def _level(task: Task, stream: Stream, outputs: np.ndarray) -> tuple[float | None, float]:
    """The score of an answer, None where it has none, and its standard error by resampling the examples."""
    name = task.score.name
    found = metrics(task, [stream], [outputs])[name]
    if not np.isfinite(found):
        return None, np.nan
    rng, asked = np.random.default_rng(0), stream._replace(features=None, tokens=None)
    drawn = (rng.integers(stream.examples, size=stream.examples) for _ in range(_RESAMPLES))
    again = np.array([metrics(task, [asked.rows(index)], [outputs[index]])[name] for index in drawn])
    return found, float(np.nanstd(again, ddof=1))
