from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from event_streams import experiment, new_store, whole_run, write

from rnnbench import mlflow_ui, results
from rnnbench.errors import UserError
from rnnbench.events import Diverged
from rnnbench.store import Location

GRID = experiment()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Location:
    location = new_store(tmp_path_factory.mktemp("store"))
    write(location, GRID, *whole_run(GRID.runs[0]), *whole_run(GRID.runs[2], score=0.625))
    return location


@pytest.fixture(scope="module")
def page(local: Location) -> Iterator[str]:
    """Address of the experiment in a real MLflow server, which another process serves."""
    assert local.database is not None
    program = f"""
from pathlib import Path
from rnnbench.mlflow_ui import serve
from rnnbench.store import Location
serve(Location.resolve(Path({str(local.database.parent)!r})), None, {free_port()}, lambda line: print(line, flush=True))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(2)]
    assert said[0] == "starting the MLflow server ...\n"
    address = said[1].removeprefix("carry: ").strip()
    yield address
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    port = int(address.split(":")[2].split("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_the_view_fits_the_experiment() -> None:
    mixed = experiment(
        tasks={"copy_memory": {"lag": 5}, "forecasting": {"lag": 5, "source": "synthetic"}}, models={"gru": {}}
    )
    saved = json.loads(mlflow_ui.view(mixed))
    assert (saved["name"], type(saved["createdAt"])) == ("rnnbench", int)
    state = json.loads(saved["state"])
    assert state["selectedColumns"][:4] == [
        "tags.`rnnbench.status`", "metrics.`score`", "metrics.`skill`", "metrics.`solved`"
    ]  # fmt: skip
    charts = [chart["displayName"] for chart in state["compareRunCharts"]]
    assert {"skill", "validation/accuracy", "validation/mse", "gradient_profile/survival"} <= set(charts)
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections
    assert mlflow_ui.view(mixed) == mlflow_ui.view(mixed)


def test_addresses(local: Location, tmp_path: Path) -> None:
    expected = "carry: http://h:1/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=rnnbench"
    assert mlflow_ui.addresses(local, "http://h:1") == [expected]
    assert mlflow_ui.addresses(local, "http://h:1", "carry") == [expected]
    with pytest.raises(UserError, match="no runs of 'other' yet"):
        mlflow_ui.addresses(local, "http://h:1", "other")
    with pytest.raises(UserError, match="no runs yet: run `rnnbench run FILE` first"):
        mlflow_ui.serve(Location.resolve(tmp_path / "none"))


def test_a_port_in_use_is_told(local: Location) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port} cannot be used \(Address already in use\); .*--port"):
            mlflow_ui.serve(local, port=port)


def test_a_server_holds_what_a_local_store_holds(page: str, tmp_path: Path) -> None:
    server = Location.resolve(tracking_uri=page.split("/#")[0])
    grid = experiment(name="by-http")
    events = [*whole_run(GRID.runs[0], score=1 / 3), Diverged(GRID.runs[1].signature, 7, {"score": float("nan")})]
    here = new_store(tmp_path)
    for location in (server, here):
        write(location, grid, *events)
    by_http, by_sql = results.load(server, grid), results.load(here, grid)
    own = ["run_id", "started"]
    pd.testing.assert_frame_equal(by_http.runs.drop(columns=own), by_sql.runs.drop(columns=own))
    order = ["signature", "metric", "step"]
    sort = {"by": order, "ignore_index": True}
    pd.testing.assert_frame_equal(by_http.history.sort_values(**sort), by_sql.history.sort_values(**sort))
    pd.testing.assert_frame_equal(by_http.profiles, by_sql.profiles)
    said: list[str] = []
    mlflow_ui.serve(server, "by-http", tell=said.append)
    assert said == mlflow_ui.addresses(server, server.uri, "by-http")


def test_retrieving_more_points_than_one_answer_holds(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnbench import stored

    monkeypatch.setattr(stored, "_BULK_POINTS", 4)
    loaded = results.load(Location.resolve(tracking_uri=page.split("/#")[0]), GRID)
    assert len(loaded.history) == 12


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_the_page_opens_in_our_view(page: str, tmp_path: Path) -> None:
    table = {"Group by: model", "Group: lstm", "simple_rnn T5 s0 copy", "rnnbench.status", "0.625"}
    assert not _missing(table, page, tmp_path)
    charts = {"Against the lag", "Learning", "Gradients", "validation/accuracy"}
    assert not _missing(charts, f"{page}&compareRunsMode=CHART", tmp_path)


def _missing(expected: set[str], address: str, folder: Path) -> set[str]:
    """What a page does not show, also when asked again: on a busy machine its data may come after its time is up."""
    for _ in range(4):
        text = _dom(address, folder)
        missing = {words for words in expected if words not in text}
        if not missing:
            break
    return missing


def _dom(address: str, folder: Path) -> str:
    """The text of a page after its scripts have run."""
    quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", *quiet]
    command += [
        f"--user-data-dir={folder / str(time.monotonic_ns())}",
        "--window-size=1700,3000",
    ]  # the page leaves out charts that are out of sight
    command += ["--virtual-time-budget=25000", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout
