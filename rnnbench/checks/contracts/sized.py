"""A model in the sizes in which it is checked, on a short copy-memory task."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from pydantic import ValidationError

from rnnbench.checks.contracts.check import NotCheckedError
from rnnbench.models.base import Model
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build


class _WholeSequence(CopyMemory):
    """For models that read later steps, which every other task refuses."""

    allows_lookahead: ClassVar[bool] = True


_SETTINGS: dict[str, Any] = {"lag": 4, "symbols": 2}
TASK = CopyMemory(**_SETTINGS)
_UNITS = (5, 4, 8)
"""Widths to try in turn: a model need not support every one."""


class Sized:
    """A model in one size, the task that it is checked on, and its network, built once.

    `probe_is_checked`: whether another check takes the finite differences of its gradient probe.
    """

    def __init__(self, model: Model, probe_is_checked: bool = False) -> None:
        self.model, self.probe_is_checked = model, probe_is_checked
        kind = CopyMemory if causal(model) else _WholeSequence
        self.task, self.narrow = kind(**_SETTINGS), kind(**_SETTINGS, alphabet=3)

    @cached_property
    def network(self) -> Any:
        return build(self.task, self.model, seed=0)

    def weights(self, seed: int) -> list[np.ndarray]:
        return build(self.task, self.model, seed).get_weights()


def causal(model: Model | type[Model]) -> bool:
    """Whether a model reads no later steps, by its own word."""
    return getattr(model, "causal", True)


def small(model_class: type[Model], **settings: Any) -> Model:
    """A model of a few units."""
    for units in _UNITS[:-1]:
        try:
            return model_class(units=units, **settings)
        except ValidationError:
            continue
    return model_class(units=_UNITS[-1], **settings)


def sizes_of_class(model_class: type[Model], probe_is_checked: bool = False) -> tuple[Sized, ...]:
    """A class in one small layer, whose probe may have been checked, and in two.

    Raises `NotCheckedError` for a class with settings that have no default.
    """
    needed = [name for name, field in model_class.model_fields.items() if field.is_required()]
    if needed:
        raise NotCheckedError(f"needs settings ({', '.join(needed)}); name it in an experiment file")
    return Sized(small(model_class), probe_is_checked), Sized(small(model_class, layers=2))
