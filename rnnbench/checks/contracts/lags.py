"""The same task at other lags, which training may draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from rnnbench.checks.contracts.check import ContractError, require
from rnnbench.checks.contracts.compared import equal
from rnnbench.checks.contracts.data import declared
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.checks.contracts.unled import asked, without_lead
from rnnbench.tasks import protocol
from rnnbench.tasks.base import Task

_SEED, _STEPS = 3, range(3)


def training_lags(points: Points) -> None:
    """`at_lag` gives the task at every lag from `least_lag` on, and training at drawn lags the batches of these."""
    for of_filler in points.by_filler.values():
        point = of_filler[-1]
        task, least = point.task, point.task.least_lag
        require(least <= task.lag, f"least_lag is {least}, but the task has a lag of {task.lag}")
        for lag in sorted({least, (least + task.lag) // 2, task.lag}):
            _at_lag(point, lag)
        for drawn in _drawn(task) if task.has_lead else ():
            for step in _STEPS:
                _of_the_drawn_lag(point, drawn, step)


def as_set(task: Task, **settings: Any) -> Task | None:
    """The task with other settings; None if it refuses them."""
    try:
        return type(task)(**dict(task) | settings)
    except ValidationError:
        return None


def _at_lag(point: Point, lag: int) -> None:
    task = point.task
    try:
        other = task.at_lag(lag)
    except ValidationError as error:
        raise ContractError(f"at_lag({lag}): {error.errors()[0]['msg']}; least_lag is {task.least_lag}") from None
    require(other.lag == lag, f"at_lag({lag}) gives a task of lag {other.lag}")
    if task.has_clock:
        require(other.layout.lag == lag, f"layout.lag is {other.layout.lag} at lag {lag}")
    for name in ("ports", "outputs", "reads"):
        here, there = getattr(other, name), getattr(task, name)
        say = f"{here} at lag {lag}, {there} at lag {task.lag}"
        require(here == there, f"{name} must be the same at every lag, as one network serves all: {say}")
    stream = other.train_batch(_SEED, 5, point.batch_size)
    with declared():
        other.check_stream(stream, f"the training batch at lag {lag}")
    parts, wanted = ", ".join(stream.parts), ", ".join(point.batch.parts)
    require(parts == wanted, f"the training batch must have the same parts at every lag: {parts} at lag {lag}")


def _drawn(task: Task) -> Iterator[Task]:
    """The task with each way of drawing lags that it accepts."""
    for lags in ("uniform", "far", "log"):
        drawn = as_set(task, training_lags=lags, lead="random")
        if drawn is not None:
            yield drawn


def _of_the_drawn_lag(point: Point, task: Task, step: int) -> None:
    lag, least = task.training_lag(_SEED, step), task.least_lag
    say = f"training_lag with `{task.training_lags}` is {lag}"
    require(least <= lag <= task.lag, f"{say}, outside {least} to {task.lag}")
    found = task.training_stream(_SEED, step, point.batch_size)
    plain = task.at_lag(lag).train_batch(_SEED, step, point.batch_size)
    lead = found.steps - plain.steps
    right = lead == protocol.drawn_lead(task.lag, _SEED, step) and equal(
        without_lead(found, plain.steps, task), asked(plain)
    )
    require(right, f"training_stream must give the batch of the drawn lag: {say}, the stream has {found.steps} steps")
