"""Runs a grid on this machine: a pool of spawned processes, each of which imports TensorFlow once for many runs."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.context import SpawnContext
from typing import Any

from rnnbench.events import Ending, Event, Failed, Taken
from rnnbench.execution.base import quiet_tensorflow, stream
from rnnbench.experiment import RunSpec

POLL_SECONDS = 0.2


def default_workers() -> int:
    """One worker for each physical core that this process may use."""
    import psutil

    return max(1, min(psutil.cpu_count(logical=False) or 1, len(os.sched_getaffinity(0))))


class LocalPool:
    """`workers` processes with one TensorFlow thread each, which do more together than one process with many threads."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()

    def execute(self, specs: Sequence[RunSpec]) -> Iterator[Event]:
        waiting = {spec.signature: spec for spec in specs}
        while waiting and not self._stop.is_set():
            taken: set[str] = set()
            for event in self._execute_in_one_pool(list(waiting.values())):
                if isinstance(event, Taken):
                    taken.add(event.signature)
                elif isinstance(event, Ending):
                    waiting.pop(event.signature, None)
                yield event
            # A dead worker breaks the whole pool. Its run is charged with it; the others begin again in a new pool.
            if waiting and not self._stop.is_set():
                lost = [signature for signature in waiting if signature in taken] or list(waiting)[:1]
                for signature in lost:
                    del waiting[signature]
                    yield Failed(signature, "a worker process died (killed, or out of memory)")

    def cancel(self) -> None:
        self._stop.set()

    def _execute_in_one_pool(self, specs: Sequence[RunSpec]) -> Iterator[Event]:
        events: Any = self._context.Queue()
        numbers: Any = self._context.Queue()
        workers = min(self.workers, len(specs))
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
