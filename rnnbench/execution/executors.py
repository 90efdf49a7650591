"""Where a grid is executed: the executors that are registered, and the one that was asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rnnbench.errors import UserError
from rnnbench.execution.base import Executor
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.identity import class_code
from rnnbench.registry import Registry

Say = Callable[[str], None]


@dataclass(frozen=True)
class ExecutorFactory(ABC):
    """Makes the executors of a grid, one for each of its stages.

    Registered by the name that `--executor` takes.
    """

    workers: int | None = None
    """Worker processes; None: as many as fit."""
    address: str | None = None
    """Of a cluster; None: this machine."""

    def __post_init__(self) -> None:
        """Raise `UserError` for options that do not go together."""

    def check(self, specs: Sequence[RunSpec]) -> None:
        """Raise `UserError` if a worker process could not load a task or model of these runs as it is here."""
        for thing in {thing for spec in specs for thing in (type(spec.task), type(spec.model))}:
            class_code.check_current(thing, on_disk=True)

    @abstractmethod
    def reach(self, checkpoints: Checkpoints, say: Say) -> Callable[[Sequence[RunSpec]], Executor]:
        """What makes an executor for some runs; `say` takes lines for a person.

        Raises `UserError` at once if runs cannot be executed there, because a cluster is missing or a session is unfit.
        """


def refuse_address(address: str | None) -> None:
    """Raise `UserError` for an executor that knows no cluster and was given one."""
    if address:
        raise UserError("--address names a Ray cluster: add --executor ray")


executors: Registry[type[ExecutorFactory]] = Registry("executor", "rnnbench.execution")
register_executor = executors.register


def executor_factory(workers: int | None = None, name: str = "local", address: str | None = None) -> ExecutorFactory:
    """The one that was asked for; `workers=0` alone asks for this very process. Raises `UserError`."""
    if workers == 0 and name == "local":
        name = "in_process"
    return executors[name](workers, address)
