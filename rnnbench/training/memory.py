"""What a run has said, and when it was last saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from rnnbench import environment
from rnnbench.events import Event, Warned
from rnnbench.training.program import Program
from rnnbench.training.progress import Progress
from rnnbench.training.snapshot import Snapshot
from rnnbench.training.stopwatch import Stopwatch

SAVING_SHARE = 0.01
"""Share of a run's time that its checkpoints may take."""
FIRST_SAVE = 1.0
"""Seconds until a run's first checkpoint."""


class Memory:
    """The events of a run so far, and its checkpoints."""

    def __init__(self, signature: str, stopwatch: Stopwatch, save: Callable[[Snapshot], None] | None) -> None:
        self._signature, self._stopwatch, self._save = signature, stopwatch, save
        self._events: list[Event] = []
        self._due = time.perf_counter() + FIRST_SAVE
        self._warned = False

    def keep(self, events: Iterable[Event]) -> Iterator[Event]:
        """Remember events as they pass."""
        for event in events:
            self._events.append(event)
            yield event

    def save(self, program: Program, progress: Progress, now: bool) -> Iterator[Event]:
        """Write a checkpoint if one is due, or `now`. A full disk costs the run nothing else: `Warned`, once."""
        began = time.perf_counter()
        if self._save is None or not (now or began >= self._due):
            return
        arrays = program.state() | {"best": progress.best_weights}
        seconds = self._stopwatch.readings()
        try:
            with self._stopwatch.part("checkpoints"):
                self._save(Snapshot(seconds, progress.values(), environment.versions(), tuple(self._events), arrays))
        except OSError as error:
            if not self._warned:
                yield Warned(self._signature, f"no checkpoint can be written, the run continues without: {error}")
            self._warned = True
        ended = time.perf_counter()
        self._due = ended + (ended - began) / SAVING_SHARE
