"""`match: parameters`: how many units give a model a certain number of recurrent parameters."""

from __future__ import annotations

from rnnbench.models.base import Model

MOST_UNITS = 2**20
TOLERANCE = 0.25
"""How far a model may miss a budget, relative to it."""


class BudgetError(ValueError):
    """No number of units meets the budget."""


def units_for_budget(model: Model, inputs: int, budget: int) -> int:
    """The `units` with the recurrent parameter count nearest to `budget`, for `inputs` input features.

    A multiple of the model's `unit_step`. With 2 inputs and a budget of 67,072: LSTM 128, GRU 148, SimpleRNN 257
    (67,072 / 67,488 / 66,820).
    """
    step = model.unit_step

    def count(multiple: int) -> int:
        return model.model_copy(update={"units": multiple * step}).parameters(inputs)

    low, high = 1, 2
    while count(high) < budget and high < MOST_UNITS:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < budget else (low, middle)
    return step * min((low, high), key=lambda multiple: abs(count(multiple) - budget))


def check_budget(model: Model, inputs: int, budget: int) -> None:
    """Raise `BudgetError` if the model at its units misses `budget` by more than `TOLERANCE`, relative to it."""
    count = model.parameters(inputs)
    if abs(count - budget) > TOLERANCE * budget:
        raise BudgetError(
            f"{type(model).__name__} cannot have about {budget:,} recurrent parameters on {inputs} inputs: "
            f"the nearest count is {count:,}, with {model.units:,} units"
        )
