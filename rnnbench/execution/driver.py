"""Drives a grid: sends runs to an executor, and each event to the store and the display."""

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
    """The part of `tracking.Tracker` that the driver uses."""

    def begin(self, spec: RunSpec, resumed: bool = False) -> object: ...
    def write(self, event: Event) -> None: ...
    def interrupt(self) -> None: ...
    def is_done(self, signature: str) -> bool: ...
    def back_up(self, now: bool = False) -> bool: ...


@dataclass
class Tally:
    """The outcome of a grid."""

    finished: int = 0
    diverged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Reason by run name."""
    done_elsewhere: int = 0
    """Runs that another driver completed in the meantime."""
    elsewhere: int = 0
    """Runs held by another driver that is known to be alive."""
    signal: int | None = None
    """The signal that stopped the grid."""
    writing: float = 0.0
    """Seconds that the driver spent writing to the store; its workers do not wait for this."""

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
    """Run `specs`; each event is written, then passed to `on_event`.

    Each run is claimed in `leases` before a worker gets it; runs that another driver holds are left to that driver. If
    it may have died, this one finishes everything else, then waits to find out. A run's checkpoint is deleted once its
    result is in the store and in the store's backup. The first Ctrl-C or SIGTERM stops the runs gracefully and tells
    `say`, the second kills them; either sets `signal` in the tally.
    """
    return _Drive(specs, executor, writer, on_event, leases, checkpoints, say).run()


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
        """Signatures of the runs whose checkpoints can be deleted after the next backup of the store."""
        self._tally = Tally()

    def run(self) -> Tally:
        try:
            with _two_signals(self._stop):
                to_do = list(self._specs.values())
                while to_do:
                    with closing(self._executor.execute(to_do, self._claim)) as events:  # type: ignore[type-var]
                        for event in events:
                            self._handle(event)
                    to_do = self._take_over()
        except KeyboardInterrupt:
            self._tally.signal = self._tally.signal or signal.SIGINT
        finally:
            self._executor.cancel()
            self._writer.interrupt()
        self._remove_outdated(now=True)
        self._tally.elsewhere = len(self._refused)
        return self._tally

    def _stop(self, number: int) -> None:
        self._tally.signal = number
        self._executor.cancel()
        line = "stopping: each run saves a checkpoint at its next evaluation; press Ctrl-C again to kill them"
        # In a thread: this is a signal handler, and the code it interrupted may hold the terminal's lock.
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
        """Claim runs that other drivers gave up or left behind when they died.

        Empty if all remaining runs are held by drivers known to be alive.
        """
        while self._refused and not self._tally.interrupted:
            refused, self._refused = self._refused, []
            if claimed := [spec for spec in refused if self._claim(spec)]:
                return claimed
            signatures = [spec.signature for spec in self._refused]
            if self._leases is None or not self._leases.wait_for_any(
                signatures, lambda: self._tally.interrupted, self._say
            ):
                break
        return []

    def _handle(self, event: Event) -> None:
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
            self._handle_ending(spec, event)
        self._tally.writing += time.perf_counter() - began
        self._on_event(spec, event)

    def _handle_ending(self, spec: RunSpec, event: Event) -> None:
        match event:
            case Finished():
                self._tally.finished += 1
            case Diverged():
                self._tally.diverged += 1
            case Failed(message=message):
                self._tally.failed[spec.name] = message
        # A run whose worker was lost resumes from its checkpoint; one that raised an error starts over.
        lost_worker = isinstance(event, Failed) and not event.traceback
        if not lost_worker:
            self._outdated.append(spec.signature)
            self._remove_outdated()
        if self._leases is not None:
            self._leases.release(spec.signature)

    def _remove_outdated(self, now: bool = False) -> None:
        if not self._outdated or not self._writer.back_up(now):
            return
        for signature in self._outdated:
            if self._checkpoints is not None:
                self._checkpoints.remove(signature)
        self._outdated.clear()


@contextmanager
def _two_signals(stop: Callable[[int], None]) -> Iterator[None]:
    """Call `stop` on the first SIGINT or SIGTERM, raise `KeyboardInterrupt` on the second.

    Handlers not set from Python are left alone, because they could not be restored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        stop(number)

    handled = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not None]
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
