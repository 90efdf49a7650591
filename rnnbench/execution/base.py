"""The executor protocol: RunSpecs in, one stream of events out."""

from __future__ import annotations

import gc
import pickle
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from rnnbench import environment
from rnnbench.console import silent_stderr
from rnnbench.datasets import location
from rnnbench.errors import UserError, disarm_warnings
from rnnbench.events import Dispatched, Event, Failed, Measured, Warned
from rnnbench.execution.checkpoints import Checkpoints, DamagedCheckpointError
from rnnbench.execution.system_metrics import SystemMetrics
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.training.snapshot import Snapshot

ATTEMPTS = 4
"""How often a run is started in all, if its worker keeps dying."""

Claim = Callable[[RunSpec], bool]


def claim_all(spec: RunSpec) -> bool:
    """The claim of a driver that shares its grid with no other: every run is free."""
    return True


class Executor(Protocol):
    """Runs a grid somewhere. Created with `checkpoints: Checkpoints | None`, from which its runs resume."""

    workers: int

    def execute(self, specs: Sequence[RunSpec], claim: Claim = claim_all) -> Iterator[Event]:
        """Yield every event of every run as it arrives; each run's events are in order, from `Dispatched` to an ending.

        `claim` is called in this process just before a run is first given to a worker; a run that it refuses is left
        out. A run whose worker dies is retried, with a `Warned` and another `Dispatched`, up to `ATTEMPTS` attempts in
        all; then it is `Failed`. Closing the iterator kills the workers.
        """

    def cancel(self) -> None:
        """Ask the runs to stop: each saves a checkpoint at its next evaluation and has no ending.

        Called from a signal handler, possibly twice.
        """


class ChangedError(UserError):
    """A run's code or data differ from those it was signed with."""


def unpacked(pickled: bytes, signature: str) -> RunSpec:
    """Unpickle a run from another process. Raises `UserError` if it cannot be loaded, or its signature differs here."""
    try:
        spec: RunSpec = pickle.loads(pickled)
        here = spec.signature
    except Exception as error:
        raise UserError(f"its worker cannot load it: {error}") from error
    if here != signature:
        raise ChangedError("its code or data changed while the grid ran, or differ on the worker's machine")
    return spec


def stream(
    spec: RunSpec,
    worker: int,
    checkpoints: Checkpoints | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Yield the events of one run in this process, resumed from its checkpoint if it has one.

    A crash becomes `Failed` and affects no other run. Once `stopped()` is true, the run saves a checkpoint at its next
    evaluation and the stream stops without an ending.
    """
    from rnnbench.training.run import run

    snapshot, warning = _usable_snapshot(spec, checkpoints)
    yield Dispatched(spec.signature, worker, resumed=snapshot is not None)
    if warning:
        yield Warned(spec.signature, f"{warning}: the run starts over")
    save = partial(checkpoints.save, spec.signature) if checkpoints else None
    try:
        with SystemMetrics.sampling() as machine:
            for event in run(spec, snapshot, save, stopped):
                yield event
                if isinstance(event, Measured) and "train/loss" in event.metrics and (busy := machine.taken()):
                    yield Measured(spec.signature, event.step, busy)
    except UserError as error:
        yield Failed(spec.signature, str(error))
    except Exception as error:
        yield Failed(spec.signature, error_line(error), _without_colours(traceback.format_exc()))


def error_line(error: Exception) -> str:
    """The type and message of an error, on one line."""
    return " ".join(_without_colours(f"{type(error).__name__}: {error}").split())


def _without_colours(text: str) -> str:
    """Strip ANSI escape sequences: Keras colours its error messages."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)


def _usable_snapshot(spec: RunSpec, checkpoints: Checkpoints | None) -> tuple[Snapshot | None, str]:
    """The snapshot to resume from, or None and the reason; the reason is empty if there is no checkpoint."""
    if checkpoints is None:
        return None, ""
    try:
        snapshot = checkpoints.load(spec.signature)
    except DamagedCheckpointError as error:
        return None, str(error)
    if snapshot is None or snapshot.versions == environment.versions():
        return snapshot, ""
    made = ", ".join(f"{name} {version}" for name, version in snapshot.versions.items())
    return None, f"its checkpoint was made with other versions ({made})"


def set_up_tensorflow(threads: int = 1) -> bool:
    """Import TensorFlow, with a thread for each shard of the process' one run; False if it is too late for that."""
    # A worker process inherits the warning filters of its parent.
    disarm_warnings()
    quiet_tensorflow()
    with silent_stderr():
        from rnnbench.training.run import configure
    return configure(threads)


def set_up_worker(threads: int = 1) -> None:
    """Set up a process that does nothing but runs: TensorFlow, and the machine's cache of compiled programs."""
    if set_up_tensorflow(threads):
        from rnnbench.training.making import use_cache

        use_cache(threads)
    # What the imports have made stays as long as the process: the collector need not look at it again and again.
    gc.freeze()


def quiet_tensorflow() -> None:
    """Silence TensorFlow's start-up messages and make it Keras' backend; call it before either is imported."""
    import logging

    location.ensure_home()
    environment.prepare_tensorflow()
    # TensorFlow warns about retracing, which every new lag needs.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
