"""Whoever watches a grid: what it is told from the first run to the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from rnnbench.events import Event
from rnnbench.execution.driver import Tally
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec


@dataclass(frozen=True)
class Stage:
    """Runs of a grid that are driven together: the tuning seeds first, then what they leave to evaluate."""

    experiment: Experiment
    specs: Sequence[RunSpec]
    workers: int
    first: bool
    done: int
    """Runs of the grid that had ended before this stage."""
    more: int
    """Runs that may follow in the next stage."""
    seconds: Callable[[RunSpec], float]
    """About how long a run takes."""


class Progress(Protocol):
    """Watches the runs of one stage."""

    def __call__(self, spec: RunSpec, event: Event) -> None: ...

    def say(self, line: str) -> None:
        """Tell a person something while the runs go on."""


class Observer(Protocol):
    """Watches a grid."""

    def say(self, line: str) -> None:
        """Tell a person something."""

    def idle(self, experiment: Experiment, done: int) -> None:
        """There is nothing to run; `done`: runs that had ended before."""

    def begin(self, stage: Stage) -> AbstractContextManager[Progress]:
        """A stage begins; its events go to what is returned."""

    def end(self, stage: Stage, tally: Tally, tracebacks: Mapping[str, str]) -> None:
        """A stage has ended. `tracebacks`: where that of a failed run is stored, by the run's name."""
