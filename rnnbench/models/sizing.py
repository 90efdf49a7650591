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


STATE = Measure(lambda model: model.state_size() or 0, "numbers of state")
"""Numbers that an example carries from step to step."""


def units_for_budget(model: Model, measure: Measure, budget: int) -> int:
    """The `units` whose count is nearest to `budget`, a multiple of the model's `unit_step`.

    With 2 inputs and 67,072 parameters: LSTM 128, GRU 148, SimpleRNN 257 (67,072 / 67,488 / 66,820). With a state of
    128 numbers: LSTM 64, GRU 128, SimpleRNN 128.
    """
    step = model.unit_step

    def count(multiple: int) -> int:
        return measure.count(model.model_copy(update={"units": multiple * step}))

    low, high = 1, 2
    while count(high) < budget and high < MOST_UNITS:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < budget else (low, middle)
    return step * min((low, high), key=lambda multiple: abs(count(multiple) - budget))


def check_budget(model: Model, measure: Measure, budget: int) -> None:
    """Raise `BudgetError` if the model at its units misses `budget` by more than `TOLERANCE`, relative to it."""
    count = measure.count(model)
    if abs(count - budget) > TOLERANCE * budget:
        raise BudgetError(
            f"{type(model).__name__} cannot have about {budget:,} {measure.what}: "
            f"the nearest count is {count:,}, with {model.units:,} units"
        )
