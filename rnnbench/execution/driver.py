"""Drives a grid: what is still to do goes to an executor, every event to the store and to whoever watches."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Protocol

from rnnbench.events import Dispatched, Diverged, Ending, Event, Failed, Finished, Warned
from rnnbench.execution.base import Executor
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.leases import Leases
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.text.credentials import scrubbed


class Writer(Protocol):
    """What the driver needs of `tracking.Tracker`."""

    def begin(self, spec: RunSpec, resumed: bool = False) -> object: ...
    def write(self, event: Event) -> None: ...
    def interrupt(self) -> None: ...
    def is_done(self, signature: str) -> bool: ...
    def back_up(self, now: bool = False) -> bool: ...


@dataclass
class Tally:
    """How a grid went."""

    finished: int = 0
    diverged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Run name: why."""
    done_elsewhere: int = 0
    """Runs that another driver ended meanwhile."""
    elsewhere: int = 0
    """Runs that another driver does, which is known to live."""
    signal: int | None = None
    """The signal that stopped the grid."""
    writing: float = 0.0
    """Seconds that the driver spent on the store; its workers do not wait for it."""

    @property
    def interrupted(self) -> bool:
        return self.signal is not None


def drive(
    specs: list[RunSpec],
    executor: Executor,
    writer: Writer,
    on_event: Callable[[RunSpec, Event], None],
    *,
    leases: Leases | None = None,
    checkpoints: Checkpoints | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Tally:
    """Run `specs`; each event is written, then shown to `on_event`.

    A run is claimed in `leases` before a worker gets it, and runs that another driver holds are left to it; if it may
    have died, only after a wait, when all else is done, that shows whether it has. A run's checkpoint goes when its
    result is in the store, and in the store's copy. The first Ctrl-C or SIGTERM has the runs stop in order, with a line
    to `say`, the second one ends them at once; both leave `signal` in the tally.
    """
    return _Drive(specs, executor, writer, on_event, leases, checkpoints, say).go()


class _Drive:
    def __init__(
        self,
        specs: list[RunSpec],
        executor: Executor,
        writer: Writer,
        on_event: Callable[[RunSpec, Event], None],
        leases: Leases | None,
        checkpoints: Checkpoints | None,
        say: Callable[[str], None],
    ) -> None:
        self._specs = {spec.signature: spec for spec in specs}
        self._executor, self._writer, self._on_event, self._say = executor, writer, on_event, say
        self._leases, self._checkpoints = leases, checkpoints
        self._refused: list[RunSpec] = []
        self._outdated: list[str] = []
        """Signatures of the runs whose checkpoints go with the next copy of the store."""
        self._tally = Tally()

    def go(self) -> Tally:
        try:
            with _two_signals(self._stop):
                to_do = list(self._specs.values())
                while to_do:
                    with closing(self._executor.execute(to_do, self._claim)) as events:  # type: ignore[type-var]
                        for event in events:
                            self._take(event)
                    to_do = self._take_over()
        except KeyboardInterrupt:
            self._tally.signal = self._tally.signal or signal.SIGINT
        finally:
            self._executor.cancel()
            self._writer.interrupt()
        self._tidy(now=True)
        self._tally.elsewhere = len(self._refused)
        return self._tally

    def _stop(self, number: int) -> None:
        self._tally.signal = number
        self._executor.cancel()
        line = "stopping: each run leaves a checkpoint at its next evaluation; Ctrl-C again ends them at once"
        # This is a signal handler, and the terminal's lock may be held by what it interrupted.
        threading.Thread(target=self._say, args=(line,)).start()

    def _claim(self, spec: RunSpec) -> bool:
        if self._leases is None:
            return True
        if not self._leases.claim(spec.signature):
            self._refused.append(spec)
            return False
        if self._writer.is_done(spec.signature):
            self._leases.release(spec.signature)
            self._tally.done_elsewhere += 1
            return False
        return True

    def _take_over(self) -> list[RunSpec]:
        """What other drivers had and gave up, or left when they died, claimed by this one; empty if somebody who is
        known to live holds all that is left.
        """
        while self._refused and not self._tally.interrupted:
            refused, self._refused = self._refused, []
            if claimed := [spec for spec in refused if self._claim(spec)]:
                return claimed
            signatures = [spec.signature for spec in self._refused]
            if self._leases is None or not self._leases.settle(signatures, lambda: self._tally.interrupted, self._say):
                break
        return []

    def _take(self, event: Event) -> None:
        if isinstance(event, Failed):
            event = replace(event, message=scrubbed(event.message), traceback=scrubbed(event.traceback))
        elif isinstance(event, Warned):
            event = replace(event, message=scrubbed(event.message))
        spec = self._specs[event.signature]
        began = time.perf_counter()
        match event:
            case Dispatched(resumed=resumed):
                self._writer.begin(spec, resumed)
            case Warned():
                pass
            case _:
                self._writer.write(event)
        if isinstance(event, Ending):
            self._end(spec, event)
        self._tally.writing += time.perf_counter() - began
        self._on_event(spec, event)

    def _end(self, spec: RunSpec, event: Event) -> None:
        match event:
            case Finished():
                self._tally.finished += 1
            case Diverged():
                self._tally.diverged += 1
            case Failed(message=message):
                self._tally.failed[spec.name] = message
        # A run that was only unlucky goes on from its checkpoint; one that crashed by itself had better start over.
        unlucky = isinstance(event, Failed) and not event.traceback
        if not unlucky:
            self._outdated.append(spec.signature)
            self._tidy()
        if self._leases is not None:
            self._leases.release(spec.signature)

    def _tidy(self, now: bool = False) -> None:
        if not self._outdated or not self._writer.back_up(now):
            return
        for signature in self._outdated:
            if self._checkpoints is not None:
                self._checkpoints.remove(signature)
        self._outdated.clear()


@contextmanager
def _two_signals(stop: Callable[[int], None]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM, raise `KeyboardInterrupt` at the second.

    A handler that was not set from Python cannot be put back, and is left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        stop(number)

    taken = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not None]
    before = {number: signal.signal(number, handle) for number in taken}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
