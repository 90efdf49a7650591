"""Runs a grid on a Ray cluster: each run is a task that streams its events back to the driver."""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from rnnbench.errors import UserError, unwritable
from rnnbench.events import Event, Failed, Warned
from rnnbench.execution.base import ATTEMPTS, Claim, Executor, claim_all, set_up_worker, stream, unpacked
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.executors import ExecutorFactory, Say, register_executor
from rnnbench.execution.local import Work
from rnnbench.execution.machine import most_shards
from rnnbench.execution.preflight import Requirements
from rnnbench.execution.ray_cluster import Cluster, Node, Room
from rnnbench.execution.waiting import Waiting
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.identity import class_code

POLL_SECONDS = 0.5
_THREADS = "RNNBENCH_THREADS"
DISCOVERY_SECONDS = 10.0
"""Seconds between two searches for new nodes."""


@register_executor("ray")
class RayFactory(ExecutorFactory):
    """A Ray cluster: the one at `--address`, else a new one on this machine."""

    def __post_init__(self) -> None:
        if self.workers == 0:
            raise UserError("--workers 0 runs in this process: omit --executor ray")

    def check(self, specs: Sequence[RunSpec]) -> None:
        for thing in {thing for spec in specs for thing in spec.classes}:
            class_code.check_reachable(thing)
        super().check(specs)

    def connect(self, checkpoints: Checkpoints, say: Say) -> Callable[[Sequence[RunSpec]], Executor]:
        # Connect now, as the cluster may not exist; all stages share it.
        executor = RayExecutor(self.address, checkpoints, self.workers, warn=say)
        return executor.taking


class RayExecutor:
    """`--executor ray`: as many runs at a time as the cluster has CPUs, or GPUs if it has any.

    Runs in k shards take k CPUs, or all that their node has. Where `workers` and no address is given, that many run.

    Untested on machines with GPUs.
    """

    def __init__(
        self,
        address: str | None,
        checkpoints: Checkpoints | None = None,
        workers: int | None = None,
        warn: Callable[[str], None] = print,
        work: Work = stream,
    ) -> None:
        """Join the cluster at `address`, or start one on this machine, until this process ends.

        `workers` limits the number of runs at a time, `warn` prints a line for the user, `work` replaces training, in
        tests. Raises `UserError` if there is no such cluster, or Ray is not installed.
        """
        # A relative path may differ on another node.
        self._checkpoints = checkpoints and Checkpoints(checkpoints.directory.absolute())
        self._limit = workers
        self._warn = warn
        self._work = work
        self._cancelled = False
        self._cluster = Cluster(address, workers)
        slots = sum(node.slots for node in self._cluster.nodes())
        if not slots:
            raise UserError("no node of the Ray cluster has a CPU to run on")
        self.workers = min(slots, workers or slots)

    def taking(self, specs: Sequence[RunSpec]) -> RayExecutor:
        """This executor, with the number of `workers` that it has for these runs."""
        cores = self._cores(specs)
        slots = sum(max(1, node.slots // cores) for node in self._cluster.nodes())
        self.workers = min(slots, self._limit or slots)
        return self

    def execute(self, specs: Sequence[RunSpec], claim: Claim = claim_all) -> Iterator[Event]:
        """See `Executor`. Examines every node before the first run; raises `UserError` if one lacks something."""
        with _token(self._checkpoints) as token:
            requirements = replace(Requirements.of(specs, token), cores=self._cores(specs))
            room = Room(self._cluster, requirements, self._limit, self._warn)
            tasks = _Tasks(self._cluster, self._checkpoints, self._work)
            try:
                yield from self._execute(Waiting(specs, claim), room, tasks)
            finally:
                tasks.kill()

    def cancel(self) -> None:
        # Called from a signal handler, possibly during a call to Ray: the loop tells the workers.
        self._cancelled = True

    def _cores(self, specs: Sequence[RunSpec]) -> int:
        """CPUs of the cluster that a run takes."""
        return most_shards(specs) if self._cluster.has_cores else 1

    def _execute(self, waiting: Waiting, room: Room, tasks: _Tasks) -> Iterator[Event]:
        updated = time.monotonic()
        while True:
            if self._cancelled:
                tasks.stop()
            else:
                if time.monotonic() - updated > DISCOVERY_SECONDS:
                    room.update()
                    updated = time.monotonic()
                self._fill(waiting, room, tasks)
            if not tasks.running:
                return
            for task in tasks.ready():
                yield from self._receive(task, waiting, room, tasks)

    def _fill(self, waiting: Waiting, room: Room, tasks: _Tasks) -> None:
        """Start runs while there is room."""
        while waiting and (node := room.free([task.node for task in tasks.running])):
            spec = waiting.take(node.networks)
            if spec is not None:
                tasks.start(spec, node)
        if waiting and not tasks.running:
            raise UserError("the Ray cluster has lost all nodes that had room for a run")

    def _receive(self, task: _Task, waiting: Waiting, room: Room, tasks: _Tasks) -> Iterator[Event]:
        """Handle the next message of a task: an event, its end, or its loss."""
        try:
            event = task.next_event()
        except _LostError as lost:
            tasks.end(task)
            if lost.with_its_node:
                room.drop(task.node)
            yield from self._retry(task.spec, str(lost), waiting)
            return
        if event is None:
            tasks.end(task)
        else:
            yield event

    def _retry(self, spec: RunSpec, reason: str, waiting: Waiting) -> Iterator[Event]:
        if self._cancelled:
            return
        attempt = waiting.put_back(spec)
        if attempt is None:
            yield Failed(spec.signature, f"it was lost {ATTEMPTS} times, the last time because {reason}")
        else:
            yield Warned(spec.signature, f"{reason}; retrying (attempt {attempt} of {ATTEMPTS})")


class _LostError(Exception):
    """The process or node of a task has died."""

    def __init__(self, reason: str, with_its_node: bool = False) -> None:
        super().__init__(reason)
        self.with_its_node = with_its_node


@dataclass(eq=False)
class _Task:
    """One attempt at a run."""

    spec: RunSpec
    node: Node
    worker: int
    events: Any
    """Ray's generator of references to the events."""

    def next_event(self) -> Event | None:
        """The next event, or None after the last. Raises `_LostError` if the task's process or node has died."""
        from ray import exceptions

        try:
            event: Event = _get(next(self.events))
        except StopIteration:
            return None
        except exceptions.RayTaskError as error:
            message = " ".join(f"{type(error.cause).__name__}: {error.cause}".split())
            return Failed(self.spec.signature, message, str(error))
        except (exceptions.NodeDiedError, exceptions.LocalRayletDiedError, exceptions.TaskUnschedulableError):
            raise _LostError(f"node {self.node.address} was lost", with_its_node=True) from None
        except exceptions.OutOfMemoryError:
            raise _LostError(f"node {self.node.address} ran out of memory") from None
        except exceptions.RayError:
            raise _LostError(f"its worker process on node {self.node.address} died") from None
        return event


class _Tasks:
    """The running tasks."""

    def __init__(self, cluster: Cluster, checkpoints: Checkpoints | None, work: Work) -> None:
        import ray

        self.running: list[_Task] = []
        self._cluster = cluster
        self._checkpoints = checkpoints
        self._work = work
        self._perform = ray.remote(_perform)
        self._gpus = int(cluster.has_gpus)
        self._stop_flag = (
            ray.remote(_StopFlag)
            .options(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=cluster.here())
            .remote()
        )

    def start(self, spec: RunSpec, node: Node) -> None:
        worker = next(number for number in itertools.count() if number not in {task.worker for task in self.running})
        checkpoints = self._checkpoints if node.checkpoints else None
        # Without Ray's own retries, which would replay the stream instead of resuming from the checkpoint.
        perform = self._perform.options(
            num_returns="streaming",
            max_retries=0,
            num_cpus=min(node.cores, spec.training.shards),
            runtime_env=_threads(spec),
            num_gpus=self._gpus,
            scheduling_strategy=self._cluster.on(node.id),
        )
        events = perform.remote(self._work, pickle.dumps(spec), spec.signature, worker, checkpoints, self._stop_flag)
        self.running.append(_Task(spec, node, worker, events))

    def ready(self) -> list[_Task]:
        """The tasks with an event or an end to read, after at most `POLL_SECONDS`."""
        import ray

        by_events = {task.events: task for task in self.running}
        ready, _ = ray.wait(list(by_events), timeout=POLL_SECONDS, fetch_local=False)
        tasks = [by_events[events] for events in ready]
        # Ray returns ready tasks in the order of its list: those served move to its end, so that none is starved.
        self.running.sort(key=lambda task: task in tasks)
        return tasks

    def end(self, task: _Task) -> None:
        self.running.remove(task)

    def stop(self) -> None:
        """Ask all tasks to stop gracefully."""
        self._stop_flag.set.remote()

    def kill(self) -> None:
        """Kill the tasks that are still running."""
        import ray

        for task in self.running:
            ray.cancel(task.events, force=True)
        ray.kill(self._stop_flag)


def _threads(spec: RunSpec) -> dict[str, Any] | None:
    """Ray uses a process again only for runs of the same environment: TensorFlow's threads are set once."""
    shards = spec.training.shards
    return None if shards == 1 else {"env_vars": {_THREADS: str(shards)}}


def _get(reference: Any) -> Any:
    import ray

    return ray.get(reference)


@contextlib.contextmanager
def _token(checkpoints: Checkpoints | None) -> Iterator[Path | None]:
    """A file next to the checkpoints, for the duration of the context; None without checkpoints."""
    if checkpoints is None:
        yield None
        return
    try:
        checkpoints.directory.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=checkpoints.directory, prefix="seen-by-all-nodes-")  # noqa: SIM115
    except OSError as error:
        raise UserError(f"{checkpoints.directory}: {unwritable(error)}") from None
    with file:
        yield Path(file.name).absolute()


class _StopFlag:
    """Tells the workers to stop: an actor on the driver's node that they poll."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def is_set(self) -> bool:
        return self._is_set


def _perform(
    work: Work, pickled: bytes, signature: str, worker: int, checkpoints: Checkpoints | None, stop_flag: Any
) -> Iterator[Event]:
    """Do one run in a process of Ray, which reuses the process for other runs."""
    if work is stream:
        _set_up_worker_once(int(os.environ.get(_THREADS, "1")))
    try:
        spec = unpacked(pickled, signature)
    except UserError as error:
        yield Failed(signature, str(error))
        return
    events = work(spec, worker, checkpoints, lambda: _get(stop_flag.is_set.remote()))
    for event in events:  # noqa: UP028  (Ray sends values into the generator, which a run does not expect)
        yield event


_set_up_worker_once = lru_cache(set_up_worker)
