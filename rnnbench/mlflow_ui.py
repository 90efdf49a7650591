"""The MLflow page: the view in which our experiments open there, and the server that shows a local store."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rnnbench.errors import UserError
from rnnbench.experiment import Experiment
from rnnbench.store import Location, quieten
from rnnbench.stored import STATUS_TAG, experiments_with

VIEW = "rnnbench"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
"""Experiment tag in which MLflow 3.17 keeps a saved view; undocumented, so tests/test_mlflow_ui.py opens a browser."""
DEFAULT_PORT = 5000
_STARTS_WITHIN = 120.0
_STOPS_WITHIN = 10.0

_METRICS = (
    "score",
    "skill",
    "solved",
    "steps",
    "steps_to_solve",
    "seconds",
    "survival",
    "decay_per_step",
    "parameters",
)
_PAGE_COLUMNS = ("attributes.`Created`", "attributes.`Duration`")
_NARROW = 95
"""Width of a column, pixels."""
_PARAMS = ("lag", "filler", "seed", "task", "model", "units", "learning_rate")
_GENERATED = (
    "Model metrics", "gradient_norm", "gradient_norm/bias", "gradient_norm/kernel", "gradient_norm/recurrent_kernel",
    "gradient_profile", "gradient_profile_c", "level", "recurrent_kernel/sigma_max", "recurrent_kernel/spectral_radius",
    "saturation/closed", "saturation/open", "saturation/tanh", "test", "train", "validation",
)  # fmt: skip
"""Sections that the page makes by itself, one chart a metric: kept, but closed."""


def view(experiment: Experiment) -> str:
    """The saved view, as the value of `VIEW_TAG`: columns, groups and charts that fit the experiment."""
    columns = [
        f"tags.`{STATUS_TAG}`",
        *(f"metrics.`{name}`" for name in _METRICS),
        *(f"params.`{name}`" for name in _PARAMS),
    ]
    charts = list(_charts(experiment))
    state = {
        "searchFilter": "",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": ["attributes.`Run Name`", *columns, *_PAGE_COLUMNS],
        "columnWidths": {"attributes.`Run Name`": 230} | dict.fromkeys(columns, _NARROW),
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": charts,
        "compareRunSections": [
            *(_section(name, display=True) for name in dict.fromkeys(chart["metricSectionId"] for chart in charts)),
            *(_section(name, display=False) for name in _GENERATED),
        ],
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "model"}]},
        "groupsExpanded": {},
        # A chart of single runs shows lag and luck; the mean over all lags would show neither.
        "useGroupedValuesInCharts": False,
        "hideEmptyCharts": True,
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }
    # A fixed date, so that the same experiment has the same view.
    return json.dumps({"name": VIEW, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})


def _charts(experiment: Experiment) -> Iterator[dict[str, Any]]:
    for metric in ("skill", "survival", "steps_to_solve"):
        yield _scatter("Against the lag", metric)
    scores = dict.fromkeys(f"validation/{spec.task.score_name}" for spec in experiment.runs)
    for metric in (*scores, "validation/loss", "train/loss"):
        yield _line("Learning", metric)
    yield _line("Gradients", "gradient_norm/median", scale="log")
    for metric in ("gradient_profile/survival", "gradient_profile/decay_per_step"):
        yield _line("Gradients", metric)


def _section(name: str, display: bool) -> dict[str, Any]:
    generated = not display
    return {
        "uuid": name, "name": name, "display": display, "isReordered": False, "deleted": False, "isGenerated": generated
    }  # fmt: skip


def _chart(section: str, metric: str, kind: str, runs: int) -> dict[str, Any]:
    return {
        "uuid": f"{kind} {metric}",
        "type": kind,
        "runsCountToCompare": runs,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        "displayName": metric,
    }


def _scatter(section: str, metric: str) -> dict[str, Any]:
    axes = {"xaxis": {"key": "lag", "type": "PARAM"}, "yaxis": {"key": metric, "type": "METRIC"}}
    return _chart(section, metric, "SCATTER", 100) | axes


def _line(section: str, metric: str, scale: str = "linear") -> dict[str, Any]:
    return _chart(section, metric, "LINE", 100) | {
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": scale,
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def serve(
    location: Location, experiment: str | None = None, port: int = DEFAULT_PORT, tell: Callable[[str], None] = print
) -> None:
    """Show a store in the MLflow UI on this machine until Ctrl-C; of a server that runs elsewhere, tell the address.

    Tells the address of each experiment's runs (or of `experiment` only). Raises `UserError` if there is nothing to
    show, or if the port is taken.
    """
    location.check_readable()
    if location.database is None:
        for line in addresses(location, location.uri.rstrip("/"), experiment):
            tell(line)
        return
    _check_port(port)
    location.mend_artifacts()
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
    ids = experiments_with(location, VIEW_TAG)
    shown = {name: ids[name] for name in ids if experiment in (None, name)}
    if not shown:
        what = f"no runs of '{experiment}' yet" if experiment else "no runs yet"
        raise UserError(f"{location}: {what}: run `rnnbench run FILE` first")
    return [f"{name}: {address(base, experiment_id)}" for name, experiment_id in shown.items()]


def address(base: str, experiment_id: str) -> str:
    """Where an experiment's runs are, in the model-training mode of the page and in our view."""
    query = f"workflowType=machine_learning&viewStateShareKey={VIEW}"
    return f"{base}/#/experiments/{experiment_id}/runs?{query}"


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
    quieten()
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
