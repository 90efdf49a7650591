"""Runs a grid on this machine, in spawned processes that each import TensorFlow once for many runs.

Built on `multiprocessing`'s processes and pipes rather than on a pool (`concurrent.futures`, loky): those break as a
whole when a worker is killed, and share queues whose lock a killed worker may still hold. Here each worker has its own
pipe: its death closes that pipe and affects no other worker.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait

from rnnbench import console
from rnnbench.errors import UserError, UserNote
from rnnbench.events import Ending, Event, Failed, Warned
from rnnbench.execution.base import (
    ATTEMPTS,
    Claim,
    Executor,
    claim_all,
    error_line,
    set_up_worker,
    stream,
    unpacked,
)
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.executors import ExecutorFactory, Say, register_executor
from rnnbench.execution.machine import by_shards, default_workers, gpus
from rnnbench.execution.script import NO_GUARD, UNGUARDED, needs_script, script
from rnnbench.execution.waiting import Waiting
from rnnbench.experiment.run_spec import RunSpec

Work = Callable[[RunSpec, int, Checkpoints | None, Callable[[], bool]], Iterator[Event]]

POLL_SECONDS = 0.2
MAX_FAILED_STARTS = 5
"""How many workers in a row may die before they are ready."""
_GRACE_SECONDS = 2.0
"""Seconds that a process may take to exit after its pipe has closed."""
_STOP = b"stop"
_SPAWN = multiprocessing.get_context("spawn")


@register_executor("local")
class LocalFactory(ExecutorFactory):
    """Worker processes on this machine: one per GPU, or per core (per k cores for runs in k shards), fewer if memory is
    short."""

    def check(self, specs: Sequence[RunSpec]) -> None:
        needs_script(specs)
        super().check(specs)

    def connect(self, checkpoints: Checkpoints, say: Say) -> Callable[[Sequence[RunSpec]], Executor]:
        def pool(specs: Sequence[RunSpec]) -> LocalPool:
            if self.workers is not None:
                return LocalPool(self.workers, checkpoints)
            fitting = {shards: default_workers(group) for shards, group in by_shards(specs).items()}
            for note in sorted({note for _, note in fitting.values() if note}):
                say(note)
            return LocalPool({shards: workers for shards, (workers, _) in fitting.items()}, checkpoints)

        return pool


class LocalPool:
    """`workers` processes with one TensorFlow thread each, which are faster together than one multithreaded process.

    Where runs compute their batches in shards, their processes have a thread for each. Runs of other numbers of shards
    need other processes, and come one group after the other.

    Where there are GPUs, each worker sees one of them. Untested on machines with GPUs.
    """

    def __init__(
        self, workers: int | Mapping[int, int], checkpoints: Checkpoints | None = None, work: Work = stream
    ) -> None:
        """`workers`: a number, or numbers by that of shards; `work` replaces training, in tests."""
        self._limits = workers if isinstance(workers, Mapping) else {}
        self.workers: int = max(workers.values()) if isinstance(workers, Mapping) else workers
        self._checkpoints = checkpoints
        self._work = work
        self._cancelled = False
        self._failed_starts = 0

    def execute(self, specs: Sequence[RunSpec], claim: Claim = claim_all) -> Iterator[Event]:
        for shards, group in by_shards(specs).items():
            yield from self._execute(group, shards, claim)

    def _execute(self, specs: Sequence[RunSpec], shards: int, claim: Claim) -> Iterator[Event]:
        needs = _Needs(needs_script(specs), shards, self._limits.get(shards, self.workers))
        waiting = Waiting(specs, claim)
        active: dict[Connection, _Worker] = {}
        stop_sent = False
        try:
            while True:
                if self._cancelled and not stop_sent:
                    self._stop(active)
                    stop_sent = True
                while self._needs_worker(active, waiting, needs.workers):
                    worker = self._start({worker.number for worker in active.values()}, needs)
                    active[worker.pipe] = worker
                if not active:
                    return
                for pipe in wait(list(active), POLL_SECONDS):
                    yield from self._receive(active, active[pipe], waiting)  # type: ignore[index]
        finally:
            for worker in active.values():
                worker.kill()

    def cancel(self) -> None:
        self._cancelled = True

    def _stop(self, active: dict[Connection, _Worker]) -> None:
        """Tell the workers to stop their runs gracefully; kill those that have none."""
        for pipe, worker in list(active.items()):
            if worker.spec is None:
                del active[pipe]
                worker.kill()
            else:
                worker.send(_STOP)

    def _needs_worker(self, active: dict[Connection, _Worker], waiting: Waiting, workers: int) -> bool:
        idle = sum(worker.spec is None for worker in active.values())
        return not self._cancelled and len(active) < workers and idle < len(waiting)

    def _start(self, taken: set[int], needs: _Needs) -> _Worker:
        number = min(set(range(needs.workers)) - taken)
        devices = gpus()
        device = devices[number % len(devices)] if devices else None
        return _Worker(_WorkerSettings(number, device, self._checkpoints, self._work, needs))

    def _receive(self, active: dict[Connection, _Worker], worker: _Worker, waiting: Waiting) -> Iterator[Event]:
        """Handle one message of a worker: an event, None if it is idle, or the end of its pipe if it died."""
        try:
            event = worker.pipe.recv()
        except (EOFError, OSError):
            del active[worker.pipe]
            yield from self._handle_death(worker, waiting)
            return
        if isinstance(event, _ImportFailed):
            raise UserError(f"the worker processes cannot import TensorFlow and Keras: {event.reason}")
        if event is None:
            self._failed_starts, worker.ready = 0, True
            self._assign_next(active, worker, waiting)
            return
        if isinstance(event, Ending):
            # Before the event is yielded: its consumer may take a while.
            self._assign_next(active, worker, waiting)
        yield event

    def _assign_next(self, active: dict[Connection, _Worker], worker: _Worker, waiting: Waiting) -> None:
        """Give a worker its next run, or kill it if there is none."""
        worker.spec = None if self._cancelled else waiting.take(worker.networks)
        if worker.spec is None:
            del active[worker.pipe]
            worker.kill()
        else:
            worker.assign(worker.spec)

    def _handle_death(self, worker: _Worker, waiting: Waiting) -> Iterator[Event]:
        spec, cause = worker.spec, worker.cause_of_death()
        if not worker.ready and not self._cancelled:
            self._failed_starts += 1
            if worker.exit_code == UNGUARDED:
                raise UserError(NO_GUARD)
            if self._failed_starts >= MAX_FAILED_STARTS:
                raise UserError(
                    f"worker processes die before they can start a run ({cause}): "
                    "try --workers 0 (in Python: workers=0)"
                )
        if spec is None or self._cancelled:
            return
        attempt = waiting.put_back(spec)
        if attempt is None:
            yield Failed(spec.signature, f"its worker process died {ATTEMPTS} times, the last time with {cause}")
        else:
            message = f"its worker process died with {cause}; retrying (attempt {attempt} of {ATTEMPTS})"
            yield Warned(spec.signature, message)


@dataclass(frozen=True)
class _Needs:
    """What a group of runs needs of its worker processes."""

    imports_script: bool
    """Whether the user's script defines a task or a model."""
    threads: int
    workers: int
    """Most of them at a time."""


@dataclass(frozen=True)
class _WorkerSettings:
    """What a worker process needs to know."""

    number: int
    device: str | None
    """Its GPU, as in `CUDA_VISIBLE_DEVICES`."""
    checkpoints: Checkpoints | None
    work: Work
    needs: _Needs


@dataclass(frozen=True)
class _ImportFailed:
    """Sent by a worker that cannot import TensorFlow and Keras."""

    reason: str


class _Worker:
    """The driver's side of a worker process."""

    def __init__(self, settings: _WorkerSettings) -> None:
        self.number = settings.number
        self.spec: RunSpec | None = None
        self.ready = False
        self.networks: set[tuple[object, ...]] = set()
        self.pipe, far_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_serve, args=(far_end, settings), name=f"rnnbench-{settings.number}", daemon=True
        )
        # Workers leave these signals to the driver: they inherit a mask that blocks them. The resource tracker must
        # be running first, because starting it resets the mask.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            with _environment(OMP_NUM_THREADS="1", KERAS_BACKEND="tensorflow"), script(settings.needs.imports_script):
                self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        far_end.close()

    def assign(self, spec: RunSpec) -> None:
        # Pickled twice: if a plug-in does not load in the worker, the signature can still be read.
        self.send(pickle.dumps((spec.signature, pickle.dumps(spec))))

    def send(self, message: bytes) -> None:
        # If the worker is dead, `_receive` will find its pipe closed.
        with contextlib.suppress(OSError):
            self.pipe.send_bytes(message)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def cause_of_death(self) -> str:
        """The signal or exit code with which the process ended."""
        self._process.join(_GRACE_SECONDS)
        self.kill()
        code = self._process.exitcode or 0
        if code == -signal.SIGKILL:
            return "SIGKILL (the system kills processes when memory runs out)"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Variables for processes started inside the context: NumPy's libraries read them on import, before `_serve`."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection, settings: _WorkerSettings) -> None:
    """The main function of a worker process: do one run after another until the driver kills it."""
    assignments: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(pipe, assignments, stopped), daemon=True).start()
    if settings.device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = settings.device
    if settings.work is stream:
        try:
            set_up_worker(settings.needs.threads)
        except Exception as error:
            pipe.send(_ImportFailed(error_line(error)))
            return
    # The driver has shown the notes already.
    warnings.simplefilter("ignore", UserNote)
    # A plug-in may print to a closed stream. If the driver is gone, the other thread exits the process.
    with console.surviving(tell=False), contextlib.suppress(BrokenPipeError, ConnectionResetError):
        event: Event | None = None
        while True:
            # An ending implies that the worker is idle; a run that was stopped has none.
            if not isinstance(event, Ending):
                pipe.send(None)
            signature, pickled = pickle.loads(assignments.get())
            for event in _perform(settings, signature, pickled, stopped.is_set):
                pipe.send(event)


def _perform(settings: _WorkerSettings, signature: str, pickled: bytes, stopped: Callable[[], bool]) -> Iterator[Event]:
    try:
        spec = unpacked(pickled, signature)
    except UserError as error:
        yield Failed(signature, str(error))
        return
    yield from settings.work(spec, settings.number, settings.checkpoints, stopped)


def _listen(pipe: Connection, assignments: queue.SimpleQueue[bytes], stopped: threading.Event) -> None:
    """Receive the driver's messages; exit the process when the driver dies, which closes the pipe."""
    try:
        while True:
            message = pipe.recv_bytes()
            if message == _STOP:
                stopped.set()
            else:
                assignments.put(message)
    except (EOFError, OSError):
        os._exit(1)
