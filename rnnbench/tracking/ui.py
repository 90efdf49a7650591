"""The MLflow UI: where our experiments are in it, and the server that shows a local store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rnnbench.errors import UserError, require_posix_module
from rnnbench.tracking.client import silence_mlflow
from rnnbench.tracking.database import Database
from rnnbench.tracking.location import Location
from rnnbench.tracking.portable.reader import Folder
from rnnbench.tracking.views import RESULTS, link, view_tag

DEFAULT_PORT = 5000
_STARTS_WITHIN = 120.0
_STOPS_WITHIN = 10.0


def serve(
    location: Location,
    experiment: str | None = None,
    port: int = DEFAULT_PORT,
    tell: Callable[[str], None] = print,
    show: Callable[[str], None] | None = None,
) -> None:
    """Show a local store in the MLflow UI on this machine until Ctrl-C; of a server, tell the addresses.

    Tells the address of each experiment's runs (or of `experiment` only), and gives that of the newest to `show` as
    soon as it answers. Raises `UserError` if there is nothing to show, or if the port is taken.
    """
    location.check_readable()
    store = location.store
    if not isinstance(store, Database):
        _tell(addresses(location, str(store), experiment), tell, show)
        return
    _check_port(port)
    store.relocate_artifacts()
    pages = addresses(location, _local(port), experiment)
    tell("starting the MLflow server ...")
    with _server(store, port) as process:
        _tell(pages, tell, show)
        tell("Ctrl-C ends it")
        process.wait()
    raise UserError(f"the MLflow server ended on its own with code {process.returncode}")


def addresses(location: Location, base: str, experiment: str | None = None) -> dict[str, str]:
    """The address of the page of each experiment of ours by its name, the newest first.

    `base`: the address of the MLflow server. Raises `UserError` if the store has no experiment, or not the one named.
    """
    ids = location.reader.experiments_with(view_tag(RESULTS))
    shown = {name: ids[name] for name in ids if experiment in (None, name)}
    if not shown:
        what = f"no runs of '{experiment}' yet" if experiment else "no runs yet"
        raise UserError(f"{location}: {what}: run `rnnbench run FILE` first")
    return {name: address(base, experiment_id) for name, experiment_id in shown.items()}


def _tell(pages: dict[str, str], tell: Callable[[str], None], show: Callable[[str], None] | None) -> None:
    for name, page in pages.items():
        tell(f"{name}: {page}")
    if show is not None:
        show(next(iter(pages.values())))


def address(base: str, experiment_id: str) -> str:
    """The page of an experiment's runs, in MLflow's model-training mode and in our view of the results."""
    return f"{base}/{link(experiment_id, RESULTS)}"


def run_pages(location: Location, experiment: str) -> str | None:
    """What comes before a run's id in the address of its page; None where the store has no such experiment.

    On its server, or where `serve` shows a local store; of exported results where it was shown then.
    """
    if isinstance(location.store, Folder):
        named = [one for one in location.store.manifest.experiments if one.experiment["name"] == experiment]
        return named[0].pages if named else None
    experiment_id = location.reader.experiments_with(view_tag(RESULTS)).get(experiment)
    base = str(location) if location.database is None else _local(DEFAULT_PORT)
    return None if experiment_id is None else f"{base}/#/experiments/{experiment_id}/runs/"


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(f"port {port} cannot be used ({error.strerror}); choose another with --port") from None


@contextmanager
def _server(store: Database, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The MLflow server, ready to answer; it and its workers have ended at the end of the block."""
    require_posix_module("fcntl", "the server of the MLflow UI")
    silence_mlflow()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store.uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=store.path.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(process, port)
        yield process
    except KeyboardInterrupt:
        sys.exit(0)
    finally:
        signal.signal(signal.SIGTERM, previous)
        _end(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{_local(port)}/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise UserError(f"the MLflow server did not start on port {port}: try `mlflow server --port {port}` to see why")


def _end(process: subprocess.Popen[bytes]) -> None:
    for kill in (signal.SIGTERM, signal.SIGKILL):
        try:
            # The workers too: a server that is asked to end may leave them behind.
            os.killpg(process.pid, kill)
            process.wait(_STOPS_WITHIN)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
