"""`match: parameters`: the units at which a model has a given number of recurrent parameters."""

from __future__ import annotations

from rnnbench.models.base import Model


def units_for_budget(model: Model, inputs: int, budget: int) -> int:
    """The `units` whose recurrent parameter count is nearest to `budget`, for `inputs` input features.

    With 2 inputs and a budget of 67,072: LSTM 128, GRU 148, SimpleRNN 257 (67,072 / 67,488 / 66,820).
    """

    def count(units: int) -> int:
        return model.model_copy(update={"units": units}).recurrent_parameters(inputs)

    low, high = 1, 2
    while count(high) < budget:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < budget else (low, middle)
    return min((low, high), key=lambda units: abs(count(units) - budget))
