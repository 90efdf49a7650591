"""Runs a grid on this machine: spawned processes, each of which imports TensorFlow once for many runs.

Made of `multiprocessing`'s processes and pipes and not of one of the pools (`concurrent.futures`, loky), because those
break as a whole when a worker is killed, and share queues whose lock a killed worker may take with it. Here every
worker has a pipe of its own: its death is the end of that pipe, and touches no other worker.
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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait

from rnnbench import console as streams
from rnnbench.errors import UserError, UserNote
from rnnbench.events import Ending, Event, Failed, Warned
from rnnbench.execution.base import ATTEMPTS, Claim, Executor, in_words, set_tensorflow_up, stream, unclaimed, unpacked
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.executors import ExecutorFactory, Say, register_executor
from rnnbench.execution.machine import default_workers, gpus
from rnnbench.execution.script import NO_GUARD, UNGUARDED, needs_script, script
from rnnbench.execution.waiting import Waiting
from rnnbench.experiment.run_spec import RunSpec

Work = Callable[[RunSpec, int, Checkpoints | None, Callable[[], bool]], Iterator[Event]]

POLL_SECONDS = 0.2
STARTS = 5
"""How many workers may die in a row before one of them is ready."""
_LAST_BREATH = 2.0
"""Seconds that a process may take to end after its pipe did."""
_STOP = b"stop"
_SPAWN = multiprocessing.get_context("spawn")


@register_executor("local")
class LocalFactory(ExecutorFactory):
    """Worker processes on this machine: one a core or GPU, fewer if memory is short."""

    def check(self, specs: Sequence[RunSpec]) -> None:
        needs_script(specs)
        super().check(specs)

    def reach(self, checkpoints: Checkpoints, say: Say) -> Callable[[Sequence[RunSpec]], Executor]:
        def pool(specs: Sequence[RunSpec]) -> LocalPool:
            workers, note = default_workers(specs) if self.workers is None else (self.workers, "")
            if note:
                say(note)
            return LocalPool(workers, checkpoints)

        return pool


class LocalPool:
    """`workers` processes of one TensorFlow thread each, which do more together than one process of many threads.

    Where there are GPUs, each worker sees one of them; that was never tried on a machine that has any.
    """

    def __init__(self, workers: int, checkpoints: Checkpoints | None = None, work: Work = stream) -> None:
        """`work` stands in for training, in tests."""
        self.workers = workers
        self._checkpoints = checkpoints
        self._work = work
        self._cancelled = False
        self._stillborn = 0
        self._imports_script = False

    def execute(self, specs: Sequence[RunSpec], claim: Claim = unclaimed) -> Iterator[Event]:
        self._imports_script = needs_script(specs)
        waiting = Waiting(specs, claim)
        crew: dict[Connection, _Worker] = {}
        told = False
        try:
            while True:
                if self._cancelled and not told:
                    self._tell(crew)
                    told = True
                while self._is_short_of_hands(crew, waiting):
                    worker = self._start({worker.number for worker in crew.values()})
                    crew[worker.pipe] = worker
                if not crew:
                    return
                for pipe in wait(list(crew), POLL_SECONDS):
                    yield from self._hear(crew, crew[pipe], waiting)  # type: ignore[index]
        finally:
            for worker in crew.values():
                worker.end()

    def cancel(self) -> None:
        self._cancelled = True

    def _tell(self, crew: dict[Connection, _Worker]) -> None:
        """Have the runs stop in order; who has none may go."""
        for pipe, worker in list(crew.items()):
            if worker.spec is None:
                del crew[pipe]
                worker.end()
            else:
                worker.say(_STOP)

    def _is_short_of_hands(self, crew: dict[Connection, _Worker], waiting: Waiting) -> bool:
        free = sum(worker.spec is None for worker in crew.values())
        return not self._cancelled and len(crew) < self.workers and free < len(waiting)

    def _start(self, taken: set[int]) -> _Worker:
        number = min(set(range(self.workers)) - taken)
        devices = gpus()
        device = devices[number % len(devices)] if devices else None
        return _Worker(_Duty(number, device, self._checkpoints, self._work, self._imports_script))

    def _hear(self, crew: dict[Connection, _Worker], worker: _Worker, waiting: Waiting) -> Iterator[Event]:
        """Take one message of a worker: that it is free (None), an event, or its death (the end of the pipe)."""
        try:
            event = worker.pipe.recv()
        except (EOFError, OSError):
            del crew[worker.pipe]
            yield from self._bury(worker, waiting)
            return
        if isinstance(event, _Unfit):
            raise UserError(f"the worker processes cannot import TensorFlow and Keras: {event.reason}")
        if event is None:
            self._stillborn, worker.ready = 0, True
            self._occupy(crew, worker, waiting)
            return
        if isinstance(event, Ending):
            # At once: whoever takes the event may be some time about it.
            self._occupy(crew, worker, waiting)
        yield event

    def _occupy(self, crew: dict[Connection, _Worker], worker: _Worker, waiting: Waiting) -> None:
        """Give a worker its next run, or let it go."""
        worker.spec = None if self._cancelled else waiting.take(worker.networks)
        if worker.spec is None:
            del crew[worker.pipe]
            worker.end()
        else:
            worker.give(worker.spec)

    def _bury(self, worker: _Worker, waiting: Waiting) -> Iterator[Event]:
        spec, reason = worker.spec, worker.died()
        if not worker.ready and not self._cancelled:
            self._stillborn += 1
            if worker.exit_code == UNGUARDED:
                raise UserError(NO_GUARD)
            if self._stillborn >= STARTS:
                raise UserError(
                    f"the worker processes die before they start a run ({reason}): try --workers 0, workers=0 in Python"
                )
        if spec is None or self._cancelled:
            return
        attempt = waiting.put_back(spec)
        if attempt is None:
            yield Failed(spec.signature, f"its worker process died {ATTEMPTS} times, at last {reason}")
        else:
            message = f"its worker process died, {reason}; the run is taken up again ({attempt} of {ATTEMPTS})"
            yield Warned(spec.signature, message)


@dataclass(frozen=True)
class _Duty:
    """What a worker process must know."""

    number: int
    device: str | None
    """Its GPU, as `CUDA_VISIBLE_DEVICES` names it."""
    checkpoints: Checkpoints | None
    work: Work
    imports_script: bool
    """Whether a task or a model is defined in the program that was started."""


@dataclass(frozen=True)
class _Unfit:
    """What a worker says that can run nothing."""

    reason: str


class _Worker:
    """The driver's side of a worker process."""

    def __init__(self, duty: _Duty) -> None:
        self.number = duty.number
        self.spec: RunSpec | None = None
        self.ready = False
        self.networks: set[tuple[object, ...]] = set()
        self.pipe, far_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(far_end, duty), name=f"rnnbench-{duty.number}", daemon=True)
        # A worker leaves these signals to the driver. It inherits the mask, so it has it from the first; but for the
        # tracker that comes with the first worker, whose start lifts the mask.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            with _environment(OMP_NUM_THREADS="1", KERAS_BACKEND="tensorflow"), script(duty.imports_script):
                self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        far_end.close()

    def give(self, spec: RunSpec) -> None:
        # Packed twice: a plug-in that does not load in the worker must not hide whose it is.
        self.say(pickle.dumps((spec.signature, pickle.dumps(spec))))

    def say(self, message: bytes) -> None:
        # If it is dead, the end of its pipe will be read.
        with contextlib.suppress(OSError):
            self.pipe.send_bytes(message)

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def died(self) -> str:
        """Of what it died, in words."""
        self._process.join(_LAST_BREATH)
        self.end()
        code = self._process.exitcode or 0
        if code == -signal.SIGKILL:
            return "killed (by the system, if memory ran out)"
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """What a process inherits that is started inside: NumPy's libraries read it as they load, before `_serve`."""
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


def _serve(pipe: Connection, duty: _Duty) -> None:
    """What a worker process does: one run after the other, until the driver ends it."""
    given: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(pipe, given, stopped), daemon=True).start()
    if duty.device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = duty.device
    if duty.work is stream:
        try:
            set_tensorflow_up()
        except Exception as error:
            pipe.send(_Unfit(in_words(error)))
            return
    # The driver has told what there is to note, and a plug-in may print what nobody can take.
    warnings.simplefilter("ignore", UserNote)
    # When the driver is gone, there is nobody to tell: the other thread ends the process.
    with streams.surviving(tell=False), contextlib.suppress(BrokenPipeError, ConnectionResetError):
        event: Event | None = None
        while True:
            # An ending says by itself that the next run may come; a run that was stopped has none.
            if not isinstance(event, Ending):
                pipe.send(None)
            signature, pickled = pickle.loads(given.get())
            for event in _perform(duty, signature, pickled, stopped.is_set):
                pipe.send(event)


def _perform(duty: _Duty, signature: str, pickled: bytes, stopped: Callable[[], bool]) -> Iterator[Event]:
    try:
        spec = unpacked(pickled, signature)
    except UserError as error:
        yield Failed(signature, str(error))
        return
    yield from duty.work(spec, duty.number, duty.checkpoints, stopped)


def _listen(pipe: Connection, given: queue.SimpleQueue[bytes], stopped: threading.Event) -> None:
    """Take what the driver says. When the driver dies its end of the pipe closes, and the worker ends at once."""
    try:
        while True:
            message = pipe.recv_bytes()
            if message == _STOP:
                stopped.set()
            else:
                given.put(message)
    except (EOFError, OSError):
        os._exit(1)
