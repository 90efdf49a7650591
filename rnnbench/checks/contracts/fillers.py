"""The fillers of a task: that each is what its name says everywhere, and changes the lag alone."""

from __future__ import annotations

import itertools
import typing

import numpy as np
from pydantic import ValidationError

from rnnbench.checks.contracts.check import require
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.checks.contracts.points import inputs as inputs_of
from rnnbench.tasks.base import Filler, Task

_EXAMPLES, _STEPS = 4, 5


def fillers(points: Points) -> None:
    """A filler changes neither widths, evidence nor readout; each has its one meaning; others are refused."""
    for a, b in itertools.combinations(points.by_filler, 2):
        for one, other in zip(points.by_filler[a], points.by_filler[b], strict=False):
            if one.task.lag == other.task.lag:
                _only_the_lag_changes(one, other)
    for filler, of_filler in points.by_filler.items():
        _means(of_filler[-1].task, filler)
        if filler in ("distractor", "decoy"):
            for point in of_filler:
                _differs_by_example(point, spread=points.spread)
                if filler == "decoy" and not points.spread:
                    _cued(point)
    _refused(points.first.task)


def _only_the_lag_changes(one: Point, other: Point) -> None:
    for name in ("ports", "outputs", "layout"):
        here, there = getattr(one.task, name), getattr(other.task, name)
        say = f"{here} with '{one.task.filler}', {there} with '{other.task.filler}'"
        require(here == there, f"{name} must not depend on the filler: {say}")
    layout = one.task.layout
    for a, b in zip(inputs_of(one.batch), inputs_of(other.batch), strict=True):
        evidence, readout = slice(layout.evidence), slice(layout.first_readout, None)
        for name, part in (("evidence", evidence), ("readout", readout)):
            require(np.array_equal(a[:, part], b[:, part]), f"a filler must not change the {name}")


def _means(task: Task, filler: str) -> None:
    """Zeros are zeros; a blank is one symbol, of unit norm among features."""
    if not task.has_lead or filler not in ("zeros", "blank"):
        return
    filled = task.fill(np.random.default_rng(0), _EXAMPLES, _STEPS)
    parts = filled if isinstance(filled, tuple) else (filled,)
    if filler == "zeros":
        zeros = not task.ports.vocabulary and not parts[0].any()
        require(zeros, "'zeros' must be an input vector of zeros; tokens have none")
        return
    same = all((part == part[:1, :1]).all() for part in parts)
    require(same, "'blank' must be one constant symbol: its steps differ")
    if not task.ports.vocabulary:
        norm = float(np.linalg.norm(parts[0][0, 0]))
        require(np.isclose(norm, 1), f"'blank' must be of unit norm, it has {norm:.3g}; a vector of zeros is 'zeros'")


def _differs_by_example(point: Point, spread: bool) -> None:
    layout, rows = point.task.layout, point.batch.examples
    # A single step may be a marker, and where there are few distractors two examples may share one.
    if spread or layout.lag < 3:
        return
    noise = [part[:, layout.evidence : layout.first_readout] for part in inputs_of(point.batch)]
    differ = any(len(np.unique(part.reshape(rows, -1), axis=0)) > 1 for part in noise)
    require(differ, f"'{point.task.filler}' must differ by example")


def _cued(point: Point) -> None:
    """A channel or token that every example's evidence has, and no decoy."""
    layout, stream = point.task.layout, point.batch
    if not layout.lag:
        return
    evidence, filler = slice(layout.evidence), slice(layout.evidence, layout.first_readout)
    told = False
    if stream.features is not None:
        decoys = stream.features[:, filler].reshape(-1, stream.features.shape[-1])
        one_value = (decoys == decoys[0]).all(axis=0)
        told |= bool((one_value & (stream.features[:, evidence] != decoys[0]).any(axis=1).all(axis=0)).any())
    if stream.tokens is not None:
        own = set.intersection(*(set(row.tolist()) for row in stream.tokens[:, evidence]))
        told |= bool(own - set(stream.tokens[:, filler].ravel().tolist()))
    require(told, "decoys need a cue: no channel or token marks the evidence of every example and no decoy")


def _refused(task: Task) -> None:
    """Fillers that the task does not have are refused in one line, which lists those that it has."""
    for filler in typing.get_args(Filler):
        if filler in task.fillers:
            continue
        try:
            type(task)(**dict(task) | {"filler": filler})
        except ValidationError as error:
            said = error.errors()[0]["msg"]
            listed = "\n" not in said and all(known in said for known in task.fillers)
            require(listed, f"'filler: {filler}' must be refused in one line that lists {', '.join(task.fillers)}")
        else:
            require(False, f"'filler: {filler}' must be refused: `fillers` does not name it")
