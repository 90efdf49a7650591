"""Runs a grid in the calling process, one run after another: for debugging and tests."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

from rnnbench.console import silent_stderr
from rnnbench.errors import UserError, note
from rnnbench.events import Dispatched, Event, Failed
from rnnbench.execution.base import (
    Claim,
    Executor,
    claim_all,
    error_line,
    quiet_tensorflow,
    set_up_tensorflow,
    stream,
)
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.executors import ExecutorFactory, Say, register_executor
from rnnbench.execution.machine import by_shards, most_shards
from rnnbench.experiment.run_spec import RunSpec


def check() -> None:
    """Raise `UserError` if the modules that this process has imported show that it cannot train."""
    if {"keras", "tensorflow"} & sys.modules.keys():
        quiet_tensorflow()
        with _importing():
            from rnnbench.training import session
        session.check()


@contextlib.contextmanager
def _importing() -> Iterator[None]:
    try:
        with silent_stderr():
            yield
    except Exception as error:
        raise UserError(f"TensorFlow and Keras cannot be imported: {error_line(error)}") from error


@register_executor("in_process")
class InProcessFactory(ExecutorFactory):
    """The calling process: `--workers 0`, or `--executor in_process`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.workers:
            raise UserError("--executor in_process has no workers: omit --workers")

    def check(self, specs: Sequence[RunSpec]) -> None:
        pass  # it runs the classes that are already loaded

    def connect(self, checkpoints: Checkpoints, say: Say) -> Callable[[Sequence[RunSpec]], Executor]:
        check()
        return lambda specs: InProcess(checkpoints)


class InProcess:
    """One run after another, where a debugger or profiler sees everything."""

    workers = 1

    def __init__(self, checkpoints: Checkpoints | None = None) -> None:
        self._checkpoints = checkpoints
        self._cancelled = False

    def execute(self, specs: Sequence[RunSpec], claim: Claim = claim_all) -> Iterator[Event]:
        quiet_tensorflow()
        with _importing():
            from rnnbench.training import session
        with session.neutral():
            set_up = set_up_tensorflow(most_shards(specs))
            if not set_up or len(by_shards(specs)) > 1:
                why = "shards differ between runs" if set_up else "TensorFlow was already in use in this session"
                note(
                    f"{why}, and TensorFlow keeps its threads: the last digits of results may differ from those of "
                    "worker processes"
                )
            for spec in specs:
                if self._cancelled:
                    return
                if claim(spec):
                    yield from self._perform(spec)

    def _perform(self, spec: RunSpec) -> Iterator[Event]:
        try:
            spec.check_current()
        except UserError as error:
            yield Dispatched(spec.signature, 0)
            yield Failed(spec.signature, str(error))
            return
        yield from stream(spec, 0, self._checkpoints, lambda: self._cancelled)

    def cancel(self) -> None:
        self._cancelled = True
