"""Filler before the evidence: its shape, and that it changes neither evidence nor answer."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnnbench.checks.contracts.check import NotCheckedError, require
from rnnbench.checks.contracts.compared import equal, row_keys
from rnnbench.checks.contracts.data import SPLITS
from rnnbench.checks.contracts.lags import as_set
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream

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
        same = equal(_without_lead(found, plain.steps, led), _asked(plain))
        require(same, "training_stream: a lead must change neither evidence nor targets, and must shift the readout")


def _splits(point: Point, led: Task) -> None:
    for name in SPLITS:
        plain = point.split(name)
        wanted = Counter(row_keys(_asked(plain).parts.values()))
        found: Counter[bytes] = Counter()
        for stream in led.streams(name):
            found.update(row_keys(_without_lead(stream, plain.steps, led).parts.values()))
        require(found == wanted, f"the {name} split: behind its leads it must hold the same examples and answers")


def _asked(stream: Stream) -> Stream:
    """The stream with all that it leaves out spelled out."""
    shape = stream.targets.shape[:2]
    return stream._replace(
        weights=np.ones(shape, np.float32) if stream.weights is None else stream.weights,
        scored=np.ones(shape, bool) if stream.scored is None else stream.scored,
    )


def _without_lead(stream: Stream, steps: int, task: Task) -> Stream:
    """The last `steps` of a stream, as they would stand without its lead."""
    lead = stream.steps - steps
    require(lead >= 0, f"a stream behind its lead has {stream.steps} steps; without it {steps}")
    found = _asked(stream)
    kept = {name: getattr(found, name) for name in ("features", "tokens")}
    if task.reads == "every step":
        asked = found.parts["weights"][:, :lead]
        require(not asked.any(), "nothing may be asked in the lead: its steps need weight 0")
        kept |= {name: getattr(found, name) for name in ("targets", "weights", "scored")}
    cut = {name: np.ascontiguousarray(part[:, lead:]) for name, part in kept.items() if part is not None}
    if found.readout is not None:
        cut["readout"] = found.readout - np.int32(lead)
    return found._replace(**cut)
