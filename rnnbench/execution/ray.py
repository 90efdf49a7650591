"""Runs a grid on a Ray cluster: one streaming task a run, its events back to the driver as they come."""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import signal
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rnnbench.errors import UserError
from rnnbench.events import Event, Failed, Warned
from rnnbench.execution.base import ATTEMPTS, Claim, quiet_tensorflow, stream, unclaimed
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.estimate import seconds
from rnnbench.execution.preflight import Requirements
from rnnbench.execution.ray_cluster import Cluster, Node, Room
from rnnbench.experiment import RunSpec

POLL_SECONDS = 0.5
LOOK_SECONDS = 10.0
"""How often new nodes are looked for."""


class RayExecutor:
    """`--executor ray`: as many runs at a time as the cluster has CPUs, or GPUs where it has any."""

    def __init__(
        self,
        address: str | None,
        checkpoints: Checkpoints | None = None,
        workers: int | None = None,
        warn: Callable[[str], None] = print,
    ) -> None:
        """Join the cluster at `address`, or start one on this machine.

        `workers` bounds the runs at a time, `warn` is given lines for a person. Raises `UserError` if there is no such
        cluster, or no Ray.
        """
        # A relative path would mean another place on another node.
        self._checkpoints = checkpoints and Checkpoints(checkpoints.directory.absolute())
        self._limit = workers
        self._warn = warn
        self._cancelled = False
        self._cluster = Cluster(address, workers)
        slots = sum(node.slots for node in self._cluster.nodes())
        if not slots:
            self._cluster.close()
            raise UserError("the Ray cluster has no node with a CPU to run on")
        self.workers = min(slots, workers or slots)

    def execute(self, specs: Sequence[RunSpec], claim: Claim = unclaimed) -> Iterator[Event]:
        """See `Executor`. Before the first run every node is examined; raises `UserError` if one lacks something."""
        try:
            with _token(self._checkpoints) as token:
                room = Room(self._cluster, Requirements.of(specs, token), self._limit, self._warn)
                yield from self._execute(specs, claim, room)
        finally:
            self._cluster.close()

    def cancel(self) -> None:
        # Comes from a signal handler, maybe in the midst of a call to Ray: the loop tells the workers.
        self._cancelled = True

    def _execute(self, specs: Sequence[RunSpec], claim: Claim, room: Room) -> Iterator[Event]:
        tasks = _Tasks(self._cluster, self._checkpoints)
        waiting = deque(sorted(specs, key=seconds, reverse=True))
        lost: Counter[str] = Counter()
        looked = time.monotonic()
        while tasks.running or (waiting and not self._cancelled):
            if self._cancelled:
                tasks.ring()
            elif time.monotonic() - looked > LOOK_SECONDS:
                room.look()
                looked = time.monotonic()
            while waiting and not self._cancelled and (node := room.free([task.node for task in tasks.running])):
                spec = waiting.popleft()
                if lost[spec.signature] or claim(spec):
                    tasks.start(spec, node)
            if waiting and not tasks.running and not self._cancelled:
                raise UserError("every node of the Ray cluster that could run something was lost")
            for task in tasks.ready():
                try:
                    event = task.next_event()
                except _LostError as error:
                    tasks.end(task)
                    if error.node_too:
                        room.drop(task.node)
                    lost[task.spec.signature] += 1
                    if lost[task.spec.signature] < ATTEMPTS:
                        waiting.appendleft(task.spec)
                        event = Warned(task.spec.signature, f"{error}; it is taken up again")
                    else:
                        event = Failed(task.spec.signature, f"{error}, {ATTEMPTS} times")
                if event is None:
                    tasks.end(task)
                else:
                    yield event


class _LostError(Exception):
    """A run ended without an ending, through no fault of its own that it could tell."""

    def __init__(self, message: str, node_too: bool) -> None:
        super().__init__(message)
        self.node_too = node_too


@dataclass(eq=False)
class _Task:
    """One attempt at a run."""

    spec: RunSpec
    node: Node
    worker: int
    events: Any
    """Ray's generator of references."""

    def next_event(self) -> Event | None:
        """The event that is ready, or None after the last. Raises `_LostError` if the task's process or node died."""
        from ray import exceptions

        try:
            event: Event = _get(next(self.events))
        except StopIteration:
            return None
        except exceptions.RayTaskError as error:
            message = " ".join(f"{type(error.cause).__name__}: {error.cause}".split())
            return Failed(self.spec.signature, message, str(error))
        except (exceptions.NodeDiedError, exceptions.LocalRayletDiedError, exceptions.TaskUnschedulableError):
            raise _LostError(f"node {self.node.address} was lost", node_too=True) from None
        except exceptions.OutOfMemoryError:
            raise _LostError(f"node {self.node.address} ran out of memory", node_too=False) from None
        except exceptions.RayError:
            reason = f"its worker process on node {self.node.address} died (killed, or out of memory)"
            raise _LostError(reason, node_too=False) from None
        return event


class _Tasks:
    """The tasks that are running."""

    def __init__(self, cluster: Cluster, checkpoints: Checkpoints | None) -> None:
        import ray

        self.running: list[_Task] = []
        self._cluster = cluster
        self._checkpoints = checkpoints
        self._work = ray.remote(_work)
        self._gpus = int(cluster.has_gpus)
        self._bell = (
            ray.remote(_Bell)
            .options(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=cluster.here())
            .remote()
        )

    def start(self, spec: RunSpec, node: Node) -> None:
        worker = next(number for number in itertools.count() if number not in {task.worker for task in self.running})
        checkpoints = self._checkpoints if node.checkpoints else None
        # No retries of Ray's own: they would replay the stream, and not go on from the checkpoint.
        work = self._work.options(
            num_returns="streaming",
            max_retries=0,
            num_cpus=1,
            num_gpus=self._gpus,
            scheduling_strategy=self._cluster.on(node.id),
        )
        events = work.remote(pickle.dumps(spec), worker, checkpoints, self._bell)
        self.running.append(_Task(spec, node, worker, events))

    def ready(self) -> list[_Task]:
        """The tasks that have something to say, after at most `POLL_SECONDS`."""
        import ray

        by_events = {task.events: task for task in self.running}
        ready, _ = ray.wait(list(by_events), timeout=POLL_SECONDS, fetch_local=False)
        tasks = [by_events[events] for events in ready]
        # Ray answers in the order of its list: who was heard goes to its end, or one could talk all others down.
        self.running.sort(key=lambda task: task in tasks)
        return tasks

    def end(self, task: _Task) -> None:
        self.running.remove(task)

    def ring(self) -> None:
        """Ask all to stop."""
        self._bell.ring.remote()


def _get(reference: Any) -> Any:
    import ray

    return ray.get(reference)


@contextlib.contextmanager
def _token(checkpoints: Checkpoints | None) -> Iterator[Path | None]:
    """A file beside the checkpoints, while it is needed."""
    if checkpoints is None:
        yield None
        return
    try:
        checkpoints.directory.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=checkpoints.directory, prefix="seen-by-all-nodes-")  # noqa: SIM115
    except OSError as error:
        raise UserError(f"{checkpoints.directory}: checkpoints cannot be written there: {error.strerror}") from None
    with file:
        yield Path(file.name).absolute()


class _Bell:
    """Tells the workers to stop: an actor on the driver's node, which every worker asks between two steps."""

    def __init__(self) -> None:
        self._rung = False

    def ring(self) -> None:
        self._rung = True

    def rung(self) -> bool:
        return self._rung


def _work(pickled: bytes, worker: int, checkpoints: Checkpoints | None, bell: Any) -> Iterator[Event]:
    """The task of one run, in a process of Ray's."""
    _set_up_once()
    yield from stream(pickle.loads(pickled), worker, checkpoints, lambda: _get(bell.rung.remote()))


@lru_cache
def _set_up_once() -> None:
    """As local workers do; the process is used again for other runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet_tensorflow()
    os.environ["OMP_NUM_THREADS"] = "1"
    from rnnbench import training

    training.configure(threads=1)
