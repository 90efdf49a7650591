"""Makes the executors of a grid: one for each stage, on this machine or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rnnbench.errors import UserError
from rnnbench.execution import in_process
from rnnbench.execution.base import Executor
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.script import needs_script
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.identity import class_code

Say = Callable[[str], None]


@dataclass(frozen=True)
class Executors:
    """Where a grid is executed. Raises `UserError` for what does not go together."""

    workers: int | None = None
    """Worker processes; 0: in this process; None: one a core, fewer if memory is short."""
    where: Literal["local", "ray"] = "local"
    address: str | None = None
    """Head of the Ray cluster; None: one is started on this machine."""

    def __post_init__(self) -> None:
        if self.address and self.where == "local":
            raise UserError("--address names a Ray cluster: add --executor ray")
        if self.workers == 0 and self.where == "ray":
            raise UserError("--workers 0 runs in this process: leave --executor ray out")

    def check(self, specs: Sequence[RunSpec]) -> None:
        """Raise `UserError` if worker processes could not load a task or model of these runs, or not as it is here."""
        if self.workers == 0:
            return
        if self.where == "local":
            needs_script(specs)
        for thing in {thing for spec in specs for thing in (type(spec.task), type(spec.model))}:
            if self.where == "ray":
                class_code.check_reachable(thing)
            class_code.check_current(thing, on_disk=True)

    def reach(self, checkpoints: Checkpoints, say: Say) -> Callable[[Sequence[RunSpec]], Executor]:
        """What makes an executor for some runs.

        A cluster is joined at once, because it may not be there, and a session that is to run them looked at. Raises
        `UserError` then.
        """
        if self.workers == 0:
            in_process.check()
        if self.where == "local":
            return lambda specs: self._local(specs, checkpoints, say)
        joined = [self._ray(checkpoints, say)]
        return lambda specs: joined.pop() if joined else self._ray(checkpoints, say)

    def _local(self, specs: Sequence[RunSpec], checkpoints: Checkpoints, say: Say) -> Executor:
        from rnnbench.execution.local import LocalPool
        from rnnbench.execution.machine import default_workers

        if self.workers == 0:
            return in_process.InProcess(checkpoints)
        workers, note = default_workers(specs) if self.workers is None else (self.workers, "")
        if note:
            say(note)
        return LocalPool(workers, checkpoints)

    def _ray(self, checkpoints: Checkpoints, say: Say) -> Executor:
        from rnnbench.execution.ray import RayExecutor

        return RayExecutor(self.address, checkpoints, self.workers, warn=say)
