"""Runs a grid in this very process, one run after the other: for debugging and for tests."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

from rnnbench.errors import UserError, note
from rnnbench.events import Dispatched, Event, Failed
from rnnbench.execution.base import (
    Claim,
    Executor,
    in_words,
    quiet_tensorflow,
    set_tensorflow_up,
    silent_stderr,
    stream,
    unclaimed,
)
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.executors import ExecutorFactory, Say, register_executor
from rnnbench.experiment.run_spec import RunSpec


def check() -> None:
    """Raise `UserError` if this very process cannot run a run, as far as what it has imported tells."""
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
        raise UserError(f"TensorFlow and Keras cannot be imported: {in_words(error)}") from error


@register_executor("in_process")
class InProcessFactory(ExecutorFactory):
    """This very process: `--workers 0`, or `--executor in_process`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.workers:
            raise UserError("--executor in_process has no workers: leave --workers out")

    def check(self, specs: Sequence[RunSpec]) -> None:
        pass  # what is loaded here is what runs

    def reach(self, checkpoints: Checkpoints, say: Say) -> Callable[[Sequence[RunSpec]], Executor]:
        check()
        return lambda specs: InProcess(checkpoints)


class InProcess:
    """One run after the other, where a debugger and a profiler see everything."""

    workers = 1

    def __init__(self, checkpoints: Checkpoints | None = None) -> None:
        self._checkpoints = checkpoints
        self._cancelled = False

    def execute(self, specs: Sequence[RunSpec], claim: Claim = unclaimed) -> Iterator[Event]:
        quiet_tensorflow()
        with _importing():
            from rnnbench.training import session
        with session.neutral():
            if not set_tensorflow_up():
                note(
                    "TensorFlow was in use before in this session, and keeps its threads: the last digits may differ "
                    "from those of worker processes"
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
