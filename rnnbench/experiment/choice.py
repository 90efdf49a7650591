"""What `select` chooses among, and for what: the values of its axes, and the series at all lags or at one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnnbench.experiment.run_spec import RunSpec, series_key, written
from rnnbench.experiment.settings import Selection


@dataclass(frozen=True)
class Choice:
    """One value for each axis that is chosen on, in the order of `select.axes`."""

    values: tuple[tuple[str, Any], ...]
    """(axis, value); None where a model or a cell of the grid does not have the setting."""

    def __str__(self) -> str:
        """`learning_rate=0.001 optimizer=sgd(momentum=0.9)`."""
        return " ".join(written(dict(self.values)))


ALL_LAGS = "all lags"


def choice(spec: RunSpec, axes: Sequence[str]) -> Choice:
    """The values that a run has on these axes, as validated: `1` is `1.0` where the setting is a float."""
    return Choice(tuple((axis, value(spec, axis)) for axis in axes))


def value(spec: RunSpec, axis: str) -> Any:
    """The value of a setting of the model, or else of training; None if neither has it."""
    owners = [one for one in (spec.model, spec.training) if axis in type(one).model_fields]
    return getattr(owners[0], axis) if owners else None


def chosen_for(spec: RunSpec, select: Selection) -> str:
    """The lags that share a choice with a run: `all lags`, or `lag 5` where each has its own."""
    return f"lag {spec.task.lag}" if "lag" in select.each else ALL_LAGS


def unit(spec: RunSpec, select: Selection) -> tuple[str, ...]:
    """What one choice is made for: the series without the axes that are chosen on, and its lags."""
    return (*series_key(spec, select.axes).values(), chosen_for(spec, select))
