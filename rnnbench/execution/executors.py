"""The registered executors, and how a command chooses one."""

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
    """Creates the executors of a grid, one for each of its stages.

    Registered by the name that `--executor` takes.
    """

    workers: int | None = None
    """Number of worker processes; None: as many as fit."""
    address: str | None = None
    """Address of a cluster; None: this machine."""

    def __post_init__(self) -> None:
        """Raise `UserError` for options that do not go together; an executor that knows no cluster takes no address."""
        if self.address:
            raise UserError("--address names a Ray cluster: add --executor ray")

    def check(self, specs: Sequence[RunSpec]) -> None:
        """Raise `UserError` if a class of these runs differs from its file, which workers would load."""
        for thing in {thing for spec in specs for thing in spec.classes}:
            class_code.check_current(thing, on_disk=True)

    @abstractmethod
    def connect(self, checkpoints: Checkpoints, say: Say) -> Callable[[Sequence[RunSpec]], Executor]:
        """Return a function that creates an executor for some runs; `say` prints a line for the user.

        Raises `UserError` at once if nothing can run there: no cluster answers, or this session is unsuitable.
        """


executors: Registry[type[ExecutorFactory]] = Registry("executor", "rnnbench.execution")
register_executor = executors.register


def executor_factory(workers: int | None = None, name: str = "local", address: str | None = None) -> ExecutorFactory:
    """The factory for these options; `workers=0` alone selects `in_process`. Raises `UserError`."""
    if workers == 0 and name == "local":
        name = "in_process"
    factory = executors[name]
    if missing := sorted(factory.__abstractmethods__):
        raise UserError(f"executor '{name}': {class_code.describe(factory)} does not define {', '.join(missing)}")
    return factory(workers, address)
