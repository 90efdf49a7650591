"""The settings at which a task is checked: those of an experiment, or the defaults of its class."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import ValidationError

from rnnbench.checks.contracts.check import NotCheckedError, require
from rnnbench.checks.contracts.made_files import settings_with_a_file
from rnnbench.tasks.base import Split, Task
from rnnbench.tasks.stream import Stream, joined

LAGS = (3, 8)
"""Lags for a class that no experiment uses."""
_BATCH = 32
_ROWS = 4_000
_VALUES = 20_000_000
"""Most numbers in the sampled training examples: 80 MB."""


class Point:
    """A task at one lag and with one filler, and its data, each read once."""

    def __init__(self, task: Task, batch_size: int) -> None:
        self.task, self.batch_size = task, batch_size

    @cached_property
    def batch(self) -> Stream:
        """A training batch."""
        return self.task.train_batch(3, 5, self.batch_size)

    @cached_property
    def train(self) -> Stream:
        """Some thousand training examples: the first batches of seed 0."""
        first = self.task.train_batch(0, 0, self.batch_size)
        size = sum(part[0].size for part in inputs(first))
        rows = min(_ROWS, max(500, _VALUES // max(1, size)))
        steps = range(1, rows // first.examples)
        return joined([first, *(self.task.train_batch(0, step, first.examples) for step in steps)])

    @cached_property
    def validation(self) -> Stream:
        return joined(self.streams("validation"))

    @cached_property
    def test(self) -> Stream:
        return joined(self.streams("test"))

    def split(self, name: Split) -> Stream:
        return self.validation if name == "validation" else self.test

    def streams(self, name: Split) -> list[Stream]:
        """A split as the task gives it."""
        return self._of_validation if name == "validation" else self._of_test

    @cached_property
    def _of_validation(self) -> list[Stream]:
        return self.read("validation")

    @cached_property
    def _of_test(self) -> list[Stream]:
        return self.read("test")

    def read(self, name: Split) -> list[Stream]:
        """A split, read anew."""
        given = self.task.split(name)
        require(not isinstance(given, Stream), "split must give an iterable of streams, such as a list: it gave one")
        found = list(given)
        require(found, f"the {name} split holds no stream")
        wrong = next((one for one in found if not isinstance(one, Stream)), None)
        require(wrong is None, f"the {name} split must give streams, not {type(wrong).__name__}")
        return found

    def evidence(self, stream: Stream) -> list[np.ndarray]:
        """Its evidence steps, of each kind of inputs."""
        return [part[:, : self.task.layout.evidence] for part in inputs(stream)]

    def answers(self, stream: Stream) -> np.ndarray:
        """The targets of the readout, with 0 where they are padding or not scored."""
        weights, targets = stream.scored_only.weights, stream.targets
        if weights is not None:
            targets = np.where((weights > 0).reshape(*weights.shape, *[1] * (targets.ndim - 2)), targets, 0)
        return targets[:, -self.task.layout.readout :] if self.task.reads == "every step" else targets

    def read_steps(self, stream: Stream) -> np.ndarray:
        """The steps that are read, (examples, R)."""
        if stream.readout is not None:
            return stream.readout
        read = stream.targets.shape[1]
        return np.broadcast_to(np.arange(stream.steps - read, stream.steps), (stream.examples, read))


def inputs(stream: Stream) -> list[np.ndarray]:
    """Features, tokens, or both."""
    return [part for part in (stream.features, stream.tokens) if part is not None]


@dataclass(frozen=True)
class Points:
    """The points at which a task is checked: by filler, from the shortest lag to the longest."""

    by_filler: dict[str, tuple[Point, ...]]

    def __iter__(self) -> Iterator[Point]:
        for points in self.by_filler.values():
            yield from points

    @property
    def first(self) -> Point:
        return next(iter(self))

    @property
    def ends(self) -> Iterator[tuple[Point, Point]]:
        """The points at the shortest and at the longest lag of each filler that has two."""
        for points in self.by_filler.values():
            if len(points) > 1:
                yield points[0], points[-1]

    @property
    def spread(self) -> bool:
        """Whether the evidence grows with the lag, as in the literature's adding problem: it then has no filler."""
        return any(short.task.layout.evidence != long.task.layout.evidence for short, long in self.ends)


def points_of_class(task_class: type[Task]) -> Points:
    """A class at two lags and with each of its fillers.

    Raises `NotCheckedError` for a class with settings that have no default.
    """
    given = {"lag", *settings_with_a_file(task_class)}
    needed = [name for name, field in task_class.model_fields.items() if field.is_required() and name not in given]
    if needed:
        raise NotCheckedError(f"needs settings ({', '.join(needed)}); name it in an experiment file")
    try:
        fillers = stand_in(task_class, lag=LAGS[-1]).fillers
        found: dict[str, tuple[Point, ...]] = {
            filler: tuple(Point(stand_in(task_class, lag=lag, filler=filler), _BATCH) for lag in LAGS)
            for filler in fillers
        }
    except ValidationError as error:
        refused = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise NotCheckedError(f"needs settings ({refused}); name it in an experiment file") from None
    return Points(found)


def points_of_tasks(tasks: Iterable[Task], batch_size: int) -> Points:
    """Tasks that differ by lag and filler alone, at the shortest and the longest lag.

    A single lag is compared with one three steps longer, if the task accepts that.
    """
    by_filler: dict[str, dict[int, Task]] = {}
    for task in tasks:
        by_filler.setdefault(task.filler, {})[task.lag] = task
    found: dict[str, tuple[Point, ...]] = {}
    for filler, by_lag in by_filler.items():
        lags = sorted({min(by_lag), max(by_lag)})
        chosen = [by_lag[lag] for lag in lags]
        if len(chosen) == 1:
            chosen += _longer(chosen[0])
        found[filler] = tuple(Point(task, batch_size) for task in chosen)
    return Points(found)


def stand_in(task_class: type[Task], **settings: object) -> Task:
    """The task on its synthetic data, if it knows any other, or on a small file."""
    source = task_class.model_fields.get("source")
    if source is not None and "synthetic" in typing.get_args(source.annotation):
        settings["source"] = "synthetic"
    return task_class(**(settings_with_a_file(task_class) | settings))


def _longer(task: Task) -> list[Task]:
    try:
        return [task.at_lag(task.lag + 3)]
    except ValidationError:
        return []
