"""The blocks of a recurrent weight: equal parts of its last axis, one for each name in `Model.gate_names`."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.models.base import Model


def block_names(model: Model, shape: Sequence[int]) -> tuple[str, ...]:
    """Names of the blocks of a weight of `shape`; none if the model names fewer than two, or other than it has."""
    names = model.gate_names
    return names if len(names) > 1 and shape[-1] == len(names) * model.units else ()
