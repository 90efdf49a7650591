"""What an executor is: RunSpecs go in, one stream of all their events comes out."""

from __future__ import annotations

import os
import pickle
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from rnnbench import environment
from rnnbench.datasets import location
from rnnbench.errors import UserError, disarm_warnings
from rnnbench.events import Dispatched, Event, Failed, Warned
from rnnbench.execution.checkpoints import Checkpoints, DamagedCheckpointError
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.training.snapshot import Snapshot

ATTEMPTS = 4
"""How often a run is taken up whose worker dies: once, and three times more."""

Claim = Callable[[RunSpec], bool]


def unclaimed(spec: RunSpec) -> bool:
    """The claim of whoever is alone: every run is free."""
    return True


class Executor(Protocol):
    """Runs a grid somewhere. Made with `checkpoints: Checkpoints | None`, the place from which its runs go on."""

    workers: int

    def execute(self, specs: Sequence[RunSpec], claim: Claim = unclaimed) -> Iterator[Event]:
        """Every event of every run, as they come; each run's own in their order, `Dispatched` first, an ending last.

        `claim` is called in this process, right before a run is given to a worker for the first time; a run that it
        refuses is left out. A run whose worker dies is taken up again, with a `Warned` and another `Dispatched`, up to
        `ATTEMPTS` times in all; then it is `Failed`. Closing the iterator ends the workers at once.
        """

    def cancel(self) -> None:
        """Ask the runs to stop: each leaves a checkpoint at its next boundary and no ending; then the stream ends.

        Comes from a signal handler, and may come twice.
        """


class ChangedError(UserError):
    """A run's code or data are not the same here as where it was signed."""


def unpacked(pickled: bytes, signature: str) -> RunSpec:
    """A run that came from another process; raises `UserError` if it cannot be had here, or would be another run."""
    try:
        spec: RunSpec = pickle.loads(pickled)
        here = spec.signature
    except Exception as error:
        raise UserError(f"its worker cannot load it: {error}") from error
    if here != signature:
        raise ChangedError("its code or its data were changed while the grid ran, or differ on the worker's machine")
    return spec


def never() -> bool:
    """The `stopped` of a run that nobody stops."""
    return False


def stream(
    spec: RunSpec, worker: int, checkpoints: Checkpoints | None = None, stopped: Callable[[], bool] = never
) -> Iterator[Event]:
    """The events of one run in this process, from its checkpoint if it has one.

    A crash becomes `Failed` and touches no other run. After `stopped()` is true the run leaves a checkpoint at its next
    boundary, and the stream ends without an ending.
    """
    from rnnbench.training.run import run

    snapshot, warning = _snapshot(spec, checkpoints)
    yield Dispatched(spec.signature, worker, resumed=snapshot is not None)
    if warning:
        yield Warned(spec.signature, f"{warning}: the run starts over")
    save = partial(checkpoints.save, spec.signature) if checkpoints else None
    try:
        yield from run(spec, snapshot, save, stopped)
    except UserError as error:
        yield Failed(spec.signature, str(error))
    except Exception as error:
        yield Failed(spec.signature, in_words(error), _plain(traceback.format_exc()))


def in_words(error: Exception) -> str:
    """An error in one line."""
    return " ".join(_plain(f"{type(error).__name__}: {error}").split())


def _plain(text: str) -> str:
    """Without the colours that Keras sets in its errors."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)


def _snapshot(spec: RunSpec, checkpoints: Checkpoints | None) -> tuple[Snapshot | None, str]:
    """From where a run goes on, or why not."""
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


def set_tensorflow_up() -> bool:
    """Import it on one thread, in a process that runs one run at a time; whether its threads could still be set."""
    # A worker process has the warnings filters of the one that started it.
    disarm_warnings()
    quiet_tensorflow()
    with silent_stderr():
        from rnnbench.training import run as training
    return training.configure(threads=1)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """TensorFlow's libraries speak while they are loaded, whatever the log level."""
    try:
        kept = os.dup(2)
    except OSError:
        yield  # it is closed, and silent
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def quiet_tensorflow() -> None:
    """Keep TensorFlow's start-up chatter off the terminal, and Keras on it; before they are imported."""
    import logging

    location.ensure_home()
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    # It advises against tracing a function for every lag.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
