"""The data of a task: shapes, values, and what they depend on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from rnnbench.checks.contracts.check import ContractError, require
from rnnbench.checks.contracts.compared import equal
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.errors import UserError
from rnnbench.tasks.base import Split, Task
from rnnbench.tasks.checking import check_inputs
from rnnbench.tasks.stream import Stream
from rnnbench.tasks.supervised import ClassificationTask, RegressionTask

SPLITS: tuple[Split, ...] = ("validation", "test")
_DTYPES = {"features": "float32", "tokens": "int32", "readout": "int32", "weights": "float32", "scored": "bool"}
_STEPS = range(5, 13)
_DISTINCT = 8
"""Distinct sequences in a batch, from which on two batches are not equal by chance."""


def inputs(points: Points) -> None:
    """Kinds, shape, dtype and range of the inputs of training batches and splits."""
    for point in points:
        task, layout = point.task, point.task.layout
        fits = layout.lag == task.lag or not task.has_clock
        require(fits, f"layout.lag is {layout.lag}; the task's lag is {task.lag}")
        require(layout.evidence >= 1, "layout.evidence is 0; it needs at least one step")
        require(layout.readout >= 1, "layout.readout is 0; it needs at least one step")
        for what, streams in _all(point).items():
            for stream in streams:
                _arrays(stream, what)
                with declared():
                    check_inputs(stream, what, task.ports, layout.length)
                for name in ("features", "tokens"):
                    _of_dtype(stream, name, _DTYPES[name], what)
        rows = point.batch.examples
        require(rows == point.batch_size, f"a batch of {point.batch_size} has {rows} rows")


def targets(points: Points) -> None:
    """Shape, dtype and range of the targets, and of the steps that are read; the same parts in every batch."""
    for point in points:
        for what, streams in _all(point).items():
            for stream in streams:
                for name in ("readout", "weights", "scored"):
                    _of_dtype(stream, name, _DTYPES[name], what)
                with declared():
                    point.task.check_stream(stream, what)
                _targets_fit(point.task, stream, what)
            _alike(streams, what)
        _same_parts(point)


@contextmanager
def declared() -> Iterator[None]:
    """A `UserError` of a task's own check is a breach here."""
    try:
        yield
    except UserError as error:
        raise ContractError(str(error)) from None


def functions_of_their_arguments(points: Points) -> None:
    """A batch depends on seed and step, and on nothing else; a split is the same at every call."""
    for point in points:
        again = point.task.train_batch(3, 5, point.batch_size)
        require(equal(point.batch, again), "a batch must be a function of (seed, step): two calls differ")
        for name in SPLITS:
            streams, twice = point.streams(name), point.read(name)
            same = len(streams) == len(twice) and all(map(equal, streams, twice))
            require(same, f"the {name} split must be the same at every call")
        _looks_at_seed_and_step(point)


def same_at_every_lag(points: Points) -> None:
    """The evidence does not depend on the lag, and neither do the answers, unless the task `moves_on`."""
    for short, long in points.ends:
        if short.task.layout.evidence != long.task.layout.evidence:
            continue
        for of in ("batch", *SPLITS):
            a, b = getattr(short, of), getattr(long, of)
            same = map(np.array_equal, short.evidence(a), long.evidence(b))
            require(all(same), "the evidence must be the same at every lag")
            same_answers = short.task.moves_on or np.array_equal(short.answers(a), long.answers(b))
            require(same_answers, "the answers must be the same at every lag")


def _all(point: Point) -> dict[str, list[Stream]]:
    batches = [point.batch, point.task.train_batch(3, 0, point.batch_size)]
    splits = {f"the {name} split": point.streams(name) for name in SPLITS}
    return {"the training batch": batches, **splits}


def _arrays(stream: Stream, what: str) -> None:
    require(isinstance(stream, Stream), f"{what} is a {type(stream).__name__}; a rnnbench.Stream is wanted")
    for name, part in stream.parts.items():
        array = isinstance(part, np.ndarray)
        require(array, f"{name} of {what} are not a NumPy array but {type(part).__name__}")


def _of_dtype(stream: Stream, name: str, wanted: str, what: str) -> None:
    part = stream.parts.get(name)
    if part is not None:
        require(part.dtype == wanted, f"{name} are {part.dtype}; {wanted} is wanted ({what})")


def _targets_fit(task: Task, stream: Stream, what: str) -> None:
    floating = np.issubdtype(stream.targets.dtype, np.floating)
    if isinstance(task, RegressionTask) or (floating and not isinstance(task, ClassificationTask)):
        _of_dtype(stream, "targets", "float32", what)
    else:
        _of_dtype(stream, "targets", "int32", what)
    if floating:
        wrong = np.count_nonzero(~np.isfinite(stream.targets))
        require(not wrong, f"{what} has {wrong} targets that are NaN or infinite")


def _alike(streams: list[Stream], what: str) -> None:
    """Require the same parts, with the same shapes but for the examples, in all batches."""
    shapes = [{name: part.shape[1:] for name, part in stream.parts.items()} for stream in streams]
    for found in shapes:
        require(found == shapes[0], f"{what} must have the same parts and shapes each time: {shapes[0]}, then {found}")


def _same_parts(point: Point) -> None:
    found = {what: ", ".join(streams[0].parts) for what, streams in _all(point).items()}
    (first, wanted), *others = found.items()
    for what, parts in others:
        require(parts == wanted, f"every stream must have the same parts: {first} has {wanted}; {what} {parts}")


def _looks_at_seed_and_step(point: Point) -> None:
    """Compare evidence and answers alone: fresh distractors would hide that the examples are the same."""

    def examples(seed: int) -> list[bytes]:
        streams = (point.task.train_batch(seed, step, point.batch_size) for step in _STEPS)
        return [b"".join(part.tobytes() for part in (*point.evidence(one), point.answers(one))) for one in streams]

    one, other = examples(3), examples(4)
    rows = [part.reshape(len(part), -1) for part in point.evidence(point.batch)]
    telling = len(np.unique(np.concatenate(rows, axis=1), axis=0)) >= _DISTINCT
    again = any(a == b for a, b in itertools.pairwise(one)) if telling else len(set(one)) == 1
    require(not again, "two steps must not get the same batch")
    again = any(a == b for a, b in zip(one, other, strict=True)) if telling else one == other
    require(not again, "two seeds must not get the same batch")
