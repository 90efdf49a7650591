"""The contracts that every task and model must keep, built in or plugged in. A breach raises `ContractError`.

`check_task` and `check_model` are for the tests of a plug-in; `rnnbench validate` shows each check separately, at the
settings of an experiment.
"""

from __future__ import annotations

from rnnbench.checks.contracts.check import ContractError, hold
from rnnbench.checks.contracts.models import MODEL_CHECKS
from rnnbench.checks.contracts.points import points_of_class, stand_in
from rnnbench.checks.contracts.sized import sizes_of_class
from rnnbench.checks.contracts.tasks import TASK_CHECKS
from rnnbench.models.base import Model
from rnnbench.tasks.base import Task

__all__ = ["ContractError", "check_model", "check_task", "stand_in"]


def check_task(task_class: type[Task]) -> None:
    """Check the data, the loss and the scores of a task at two lags and with each of its fillers, and its leads.

    Raises `ContractError` at the first thing that does not hold, and `NotCheckedError` for a class with settings that
    have no default.
    """
    hold(TASK_CHECKS, points_of_class(task_class))


def check_model(model_class: type[Model]) -> None:
    """Check layer, causality, size, seed, states, gradient probe and gates of a model, on a short copy-memory task.

    Raises `ContractError` at the first thing that does not hold, and `NotCheckedError` for a class with settings that
    have no default.
    """
    hold(MODEL_CHECKS, sizes_of_class(model_class))
