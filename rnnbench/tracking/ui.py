"""The MLflow page: where our experiments are in it, and the server that shows a local store."""

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
from rnnbench.tracking.location import Location, silence_mlflow
from rnnbench.tracking.reader import experiments_with
from rnnbench.tracking.views import RESULTS, link, view_tag

DEFAULT_PORT = 5000
_STARTS_WITHIN = 120.0
_STOPS_WITHIN = 10.0


def serve(
    location: Location, experiment: str | None = None, port: int = DEFAULT_PORT, tell: Callable[[str], None] = print
) -> None:
    """Show a store in the MLflow UI on this machine until Ctrl-C; of a server that runs elsewhere, tell the address.

    Tells the address of each experiment's runs (or of `experiment` only). Raises `UserError` if there is nothing to
    show, or if the port is taken.
    """
    location.check_readable()
    if location.database is None:
        for line in addresses(location, location.address, experiment):
            tell(line)
        return
    _check_port(port)
    location.relocate_artifacts()
    lines = addresses(location, f"http://127.0.0.1:{port}", experiment)
    tell("starting the MLflow server ...")
    with _server(location, port) as process:
        for line in lines:
            tell(line)
        tell("Ctrl-C ends it")
        process.wait()
    raise UserError(f"the MLflow server ended by itself with code {process.returncode}")


def addresses(location: Location, base: str, experiment: str | None = None) -> list[str]:
    """`name: address` of the page of each experiment of ours, the newest first.

    `base`: address of the MLflow server. Raises `UserError` if the store holds no experiment, or not the one named.
    """
    ids = experiments_with(location, view_tag(RESULTS))
    shown = {name: ids[name] for name in ids if experiment in (None, name)}
    if not shown:
        what = f"no runs of '{experiment}' yet" if experiment else "no runs yet"
        raise UserError(f"{location}: {what}: run `rnnbench run FILE` first")
    return [f"{name}: {address(base, experiment_id)}" for name, experiment_id in shown.items()]


def address(base: str, experiment_id: str) -> str:
    """Where an experiment's runs are, in the model-training mode of the page and in our view of the results."""
    return f"{base}/{link(experiment_id, RESULTS)}"


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(f"port {port} cannot be used ({error.strerror}); choose another with --port") from None


@contextmanager
def _server(location: Location, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The MLflow server, ready to answer; it and its workers are gone at the end of the block."""
    assert location.artifacts is not None
    require_posix_module("fcntl", "the server of the MLflow UI")
    silence_mlflow()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", location.uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=location.artifacts.parent,
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
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise UserError(f"the MLflow server did not start on port {port}: try `mlflow server --port {port}` to see why")


def _end(process: subprocess.Popen[bytes]) -> None:
    for kill in (signal.SIGTERM, signal.SIGKILL):
        try:
            # The workers too: a server that was asked to end may leave them behind.
            os.killpg(process.pid, kill)
            process.wait(_STOPS_WITHIN)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
