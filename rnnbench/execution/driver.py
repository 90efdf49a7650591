"""Drives a grid: what is still to do goes to an executor, every event to the store and to whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rnnbench.events import Diverged, Event, Failed, Finished, Taken
from rnnbench.execution.base import Executor
from rnnbench.experiment import RunSpec


class Writer(Protocol):
    """What the driver needs of `tracking.Tracker`."""

    def begin(self, spec: RunSpec) -> object: ...
    def write(self, event: Event) -> None: ...
    def interrupt(self) -> None: ...


@dataclass
class Tally:
    """How a grid went."""

    finished: int = 0
    diverged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Run name: why."""
    interrupted: bool = False


def drive(specs: list[RunSpec], executor: Executor, writer: Writer, watch: Callable[[RunSpec, Event], None]) -> Tally:
    """Run `specs`; each event is written, then shown to `watch`. Ctrl-C ends it in order, with `interrupted` set."""
    by_signature = {spec.signature: spec for spec in specs}
    tally = Tally()
    try:
        for event in executor.execute(specs):
            spec = by_signature[event.signature]
            if isinstance(event, Taken):
                writer.begin(spec)
            else:
                writer.write(event)
            match event:
                case Finished():
                    tally.finished += 1
                case Diverged():
                    tally.diverged += 1
                case Failed(message=message):
                    tally.failed[spec.name] = message
            watch(spec, event)
    except KeyboardInterrupt:
        tally.interrupted = True
    finally:
        executor.cancel()
        writer.interrupt()
    return tally
