"""What an executor is: RunSpecs go in, one stream of all their events comes out."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from typing import Protocol

from rnnbench.errors import UserError
from rnnbench.events import Event, Failed, Taken
from rnnbench.experiment import RunSpec


class Executor(Protocol):
    """Runs a grid somewhere."""

    workers: int

    def execute(self, specs: Sequence[RunSpec]) -> Iterator[Event]:
        """Every event of every run, as they come; each run's own in their order, `Taken` first, an ending last."""

    def cancel(self) -> None:
        """Ask the runs to stop: they end without an ending, and the stream with them. Safe to call twice."""


def stream(spec: RunSpec, worker: int) -> Iterator[Event]:
    """The events of one run in this process; a crash becomes `Failed` and touches no other run."""
    yield Taken(spec.signature, worker)
    try:
        from rnnbench.training import run

        yield from run(spec)
    except UserError as error:
        yield Failed(spec.signature, str(error))
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        yield Failed(spec.signature, message, traceback.format_exc())


def quiet_tensorflow() -> None:
    """Keep TensorFlow's start-up chatter off the terminal; before it is imported."""
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
