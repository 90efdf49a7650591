"""Filler before the evidence: its shape, and that it changes neither evidence nor answer."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnnbench.checks.contracts.check import NotCheckedError, require
from rnnbench.checks.contracts.compared import equal, row_keys
from rnnbench.checks.contracts.data import SPLITS
from rnnbench.checks.contracts.lags import as_set
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.checks.contracts.unled import asked, without_lead
from rnnbench.tasks import protocol
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream, joined

_EXAMPLES, _SEED, _STEPS = 3, 3, range(4)


def leads(points: Points) -> None:
    """`fill` gives steps as `ports` declares them, and a lead of them stands before all else."""
    for of_filler in points.by_filler.values():
        point = of_filler[-1]
        if type(point.task).fill is Task.fill:
            raise NotCheckedError("the task has no `fill`, and so no lead")
        for steps in (0, 1, 7):
            _fits(point.task, steps)
        led = as_set(point.task, lead="random", training_lags="fixed")
        if led is None:
            raise NotCheckedError("the task refuses 'lead: random'")
        _training(point, led)
        _splits(point, led)


def _fits(task: Task, steps: int) -> None:
    ports = task.ports
    one, again = (task.fill(np.random.default_rng(steps), _EXAMPLES, steps) for _ in range(2))
    both = bool(ports.features and ports.vocabulary)
    require(isinstance(one, tuple) == both, "fill must give an array; of features and tokens a pair of them")
    wanted: dict[str, tuple[tuple[int, ...], str]] = {}
    if ports.features:
        wanted["features"] = (_EXAMPLES, steps, ports.features), "float32"
    if ports.vocabulary:
        wanted["tokens"] = (_EXAMPLES, steps), "int32"
    found = one if isinstance(one, tuple) else (one,)
    require(len(found) == len(wanted), f"fill gives {len(found)} arrays; {' and '.join(wanted)} are wanted")
    for (name, (shape, dtype)), filler in zip(wanted.items(), found, strict=True):
        got = f"{filler.shape} {filler.dtype}"
        right = filler.shape == shape and filler.dtype == dtype
        require(right, f"fill of {_EXAMPLES} examples and {steps} steps: {name} {got}; {shape} {dtype} is wanted")
        require(np.isfinite(filler).all(), f"fill: {name} that are NaN or infinite")
        if name == "tokens" and filler.size:
            low, high, end = filler.min(), filler.max(), ports.vocabulary
            require(low >= 0 and high < end, f"fill: tokens go from {low} to {high}; vocabulary: {end}")
    twice = again if isinstance(again, tuple) else (again,)
    require(all(map(np.array_equal, found, twice)), "fill must draw from its generator alone: two calls differ")


def _training(point: Point, led: Task) -> None:
    for step in _STEPS:
        found = led.training_stream(_SEED, step, point.batch_size)
        plain = point.task.train_batch(_SEED, step, point.batch_size)
        same = equal(without_lead(found, plain.steps, led), asked(plain))
        require(same, "training_stream: a lead must change neither evidence nor targets, and must shift the readout")


def _splits(point: Point, led: Task) -> None:
    for name in SPLITS:
        plain = point.split(name)
        wanted = Counter(row_keys(asked(plain).parts.values()))
        found: Counter[bytes] = Counter()
        for stream in led.streams(name):
            found.update(row_keys(without_lead(stream, plain.steps, led).parts.values()))
        require(found == wanted, f"the {name} split: behind its leads it must hold the same examples and answers")


def tested(points: Points) -> None:
    """`tested` gives a split at other lags, behind the leads of the task's own lag or those that are asked for."""
    for of_filler in points.by_filler.values():
        task, least = of_filler[-1].task, of_filler[-1].task.least_lag
        for lag in sorted({least, max(least, task.lag - 1), task.lag + 1}):
            other = as_set(task, lag=lag)
            if other is None:
                continue
            own = [0] if task.lead == "none" else protocol.tested_leads(task.lag)
            for leads in (None, [0], [2, 7]) if task.has_lead else (None,):
                _tested_at(task, other, leads, own if leads is None else leads)


def _tested_at(task: Task, other: Task, leads: list[int] | None, expected: list[int]) -> None:
    wanted = Counter(row_keys(asked(joined(other.split("test"))).parts.values()))
    found: Counter[bytes] = Counter()
    steps = other.layout.length
    for stream in task.tested("test", other.lag, leads):
        lead = stream.steps - steps
        say = f"tested at lag {other.lag}: a stream has {stream.steps} steps, {steps} of them without a lead"
        require(lead in expected, f"{say}; the leads are {expected}")
        found.update(row_keys(without_lead(stream, steps, task).parts.values()))
    require(found == wanted, f"tested at lag {other.lag}: it must hold the examples and answers of the split there")


def marker(points: Points) -> None:
    """`without_marker` replaces the marker by filler, and nothing else, if there is one."""
    for of_filler in points.by_filler.values():
        task = of_filler[-1].task
        leads = [0, 3] if task.has_lead else [0]
        for stream in task.tested("test", None, leads):
            found = task.without_marker(stream)
            if found is not None:
                _marker_alone(task, stream, found)


def _marker_alone(task: Task, stream: Stream, found: Stream) -> None:
    before = stream.steps - task.layout.readout - task.layout.lag
    changed = np.zeros(stream.steps, bool)
    for name, part in stream.parts.items():
        other = found.parts.get(name, np.zeros(0))
        fits = (other.shape, other.dtype) == (part.shape, part.dtype)
        require(fits, f"without_marker must leave the shape of {name}")
        if name in ("features", "tokens"):
            changed |= (other != part).any(axis=(0, *range(2, part.ndim)))
        else:
            require(np.array_equal(part, other), f"without_marker must leave the {name}")
    require(changed.any(), "without_marker must change the marker: nothing differs")
    require(not changed[:before].any(), "without_marker must leave the evidence, and what stands before it")
    few = changed.sum() <= 1 + task.layout.readout
    require(few, f"without_marker must change the marker alone: {changed.sum()} steps differ")
