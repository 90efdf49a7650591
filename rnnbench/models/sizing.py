"""`match: parameters` and `match: state`: how many units give a model a certain number of parameters or of states."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rnnbench.models.base import Model

MOST_UNITS = 2**20
TOLERANCE = 0.25
"""How far a model may miss a budget, relative to it."""


class BudgetError(ValueError):
    """No number of units meets the budget."""


class Measure(NamedTuple):
    """What a budget counts of a model."""

    count: Callable[[Model], int]
    what: str
    """In an error: `cannot have about 5 <what>`."""


def recurrent_parameters(inputs: int) -> Measure:
    """Trainable parameters of the layers, for `inputs` input features."""
    return Measure(lambda model: model.parameters(inputs), f"recurrent parameters on {inputs} inputs")


def state_numbers() -> Measure:
    """Numbers that are carried from step to step; the model must have a state of a fixed size."""
    return Measure(lambda model: model.state_size() or 0, "numbers of state")


def sized_for(model: Model, measure: Measure, budget: int) -> Model:
    """The model with the `units` whose count is nearest to `budget`, a multiple of its `unit_step`.

    With 2 inputs and 67,072 parameters: LSTM 128, GRU 148, SimpleRNN 257 (67,072 / 67,488 / 66,820). With a state of
    128 numbers: LSTM 64, GRU 128, SimpleRNN 128. Raises `BudgetError` if that misses `budget` by more than `TOLERANCE`,
    relative to it.
    """
    sized = _with_units(model, _nearest(model, measure.count, budget))
    count = measure.count(sized)
    if abs(count - budget) > TOLERANCE * budget:
        raise BudgetError(
            f"{type(model).__name__} cannot have about {budget:,} {measure.what}: "
            f"the nearest count is {count:,}, with {sized.units:,} units"
        )
    return sized


def units_for_budget(model: Model, inputs: int, budget: int) -> int:
    """The `units` with the recurrent parameter count nearest to `budget`, however near that is."""
    return _nearest(model, recurrent_parameters(inputs).count, budget)


def _nearest(model: Model, count: Callable[[Model], int], budget: int) -> int:
    step = model.unit_step

    def of(multiple: int) -> int:
        return count(_with_units(model, multiple * step))

    low, high = 1, 2
    while of(high) < budget and high < MOST_UNITS:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if of(middle) < budget else (low, middle)
    return step * min((low, high), key=lambda multiple: abs(of(multiple) - budget))


def _with_units(model: Model, units: int) -> Model:
    return model.model_copy(update={"units": units})
