"""Runs a grid on this machine: a pool of spawned processes, each of which imports TensorFlow once for many runs."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.context import SpawnContext
from typing import Any

from rnnbench.errors import UserError
from rnnbench.events import Ending, Event, Failed, Taken
from rnnbench.execution.base import quiet_tensorflow, stream
from rnnbench.experiment import RunSpec

POLL_SECONDS = 0.2


def default_workers() -> int:
    """One worker for each physical core that this process may use."""
    import psutil

    return max(1, min(psutil.cpu_count(logical=False) or 1, len(os.sched_getaffinity(0))))


class LocalPool:
    """`workers` processes of one TensorFlow thread each, which do more together than one process of many threads."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()

    def execute(self, specs: Sequence[RunSpec]) -> Iterator[Event]:
        waiting = {spec.signature: spec for spec in specs}
        while waiting and not self._stop.is_set():
            before = len(waiting)
            suspects = yield from self._execute_in_one_pool(waiting, list(waiting.values()), self.workers)
            # A dead worker breaks the whole pool, and nobody says whose it was: each run that was going on is tried
            # alone, so that only the guilty one fails.
            for spec in suspects:
                if (yield from self._execute_in_one_pool(waiting, [spec], 1)):
                    del waiting[spec.signature]
                    yield Failed(spec.signature, "its worker process died (killed, or out of memory)")
            if len(waiting) == before and not self._stop.is_set():
                raise UserError("the worker processes die before they start a run: try --workers 0 to see why")

    def cancel(self) -> None:
        self._stop.set()

    def _execute_in_one_pool(
        self, waiting: dict[str, RunSpec], specs: Sequence[RunSpec], workers: int
    ) -> Generator[Event, None, list[RunSpec]]:
        """Yield the events of `specs`, take what ends out of `waiting`; return what was begun when the pool broke."""
        begun: set[str] = set()
        for event in self._events(specs, min(workers, len(specs))):
            if isinstance(event, Taken):
                begun.add(event.signature)
            elif isinstance(event, Ending):
                begun.discard(event.signature)
                waiting.pop(event.signature, None)
            yield event
        return [] if self._stop.is_set() else [spec for spec in specs if spec.signature in begun]

    def _events(self, specs: Sequence[RunSpec], workers: int) -> Iterator[Event]:
        events: Any = self._context.Queue()
        numbers: Any = self._context.Queue()
        for number in range(workers):
            numbers.put(number)
        with ProcessPoolExecutor(
            workers, mp_context=self._context, initializer=_start_worker, initargs=(events, numbers, self._stop)
        ) as pool:
            futures: list[Future[None]] = [pool.submit(_work, spec) for spec in specs]
            try:
                while True:
                    # Asked before the queue, so that what the last run said is still read.
                    over = all(future.done() for future in futures)
                    try:
                        yield events.get(timeout=POLL_SECONDS)
                    except queue.Empty:
                        if over:
                            return
            except BaseException:
                # Set before the pool is waited for, or its runs would be waited for to their ends.
                self._stop.set()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


_events: Any = None
_stop: Any = None
_number = 0


def _start_worker(events: Any, numbers: Any, stop: Any) -> None:
    global _events, _stop, _number
    _events, _stop, _number = events, stop, numbers.get()
    # Ctrl-C reaches the whole terminal group: the driver alone answers it, and tells the workers by the event.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet_tensorflow()
    os.environ["OMP_NUM_THREADS"] = "1"
    from rnnbench import training

    training.configure(threads=1)


def _work(spec: RunSpec) -> None:
    for event in stream(spec, _number):
        if _stop.is_set():
            return
        _events.put(event)
