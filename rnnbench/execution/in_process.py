"""Runs a grid in this very process, one run after the other: for debugging and for tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from rnnbench.events import Event
from rnnbench.execution.base import Claim, set_tensorflow_up, stream, unclaimed
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.experiment import RunSpec


class InProcess:
    """`--workers 0`: a debugger and a profiler see everything."""

    workers = 1

    def __init__(self, checkpoints: Checkpoints | None = None) -> None:
        self._checkpoints = checkpoints
        self._cancelled = False

    def execute(self, specs: Sequence[RunSpec], claim: Claim = unclaimed) -> Iterator[Event]:
        # A program that has used TensorFlow before has settled its threads, and keeps them.
        with contextlib.suppress(RuntimeError):
            set_tensorflow_up()
        for spec in specs:
            if self._cancelled:
                return
            if claim(spec):
                yield from stream(spec, 0, self._checkpoints, lambda: self._cancelled)

    def cancel(self) -> None:
        self._cancelled = True
