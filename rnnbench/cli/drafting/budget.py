"""How much a first experiment runs: as much as two workers do in some minutes."""

from __future__ import annotations

from collections.abc import Callable

from rnnbench.cli.drafting.page import Budget
from rnnbench.execution.estimate import Estimate
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.stages import expected

SECONDS = 300
WORKERS = 2
_BUDGETS = (
    Budget(steps=2000, seeds=3),
    Budget(steps=1000, seeds=3),
    Budget(steps=1000, seeds=2),
    Budget(steps=500, seeds=2),
    Budget(steps=300, seeds=2),
    Budget(steps=300, seeds=2, tests_others=False),
    Budget(steps=300, seeds=2, lags=2, tests_others=False),
)
"""From large to small."""


def fitting(experiment_of: Callable[[Budget], Experiment]) -> tuple[Budget, float]:
    """The largest budget that two workers finish in five minutes, or else the smallest, and its seconds."""
    for budget in _BUDGETS:
        seconds = guessed(experiment_of(budget))
        if seconds <= SECONDS:
            break
    return budget, seconds


def guessed(experiment: Experiment) -> float:
    """Seconds with two workers, as `plan` guesses them without earlier runs."""
    return Estimate(experiment.runs).total(expected(experiment), WORKERS)
