from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from rnnbench.errors import UserError
from rnnbench.events import Diverged
from rnnbench.grid import results
from rnnbench.grid.grid import Grid
from rnnbench.report.headline import Headline
from rnnbench.tracking import server_reader
from rnnbench.tracking import ui as mlflow_ui
from rnnbench.tracking import views as mlflow_views
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from tests.browser import chromium
from tests.event_streams import experiment, new_store, whole_run, write

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = '<script>alert("x")</script> <b>bold</b> *star* [link](javascript:alert(1)) שלום'
QUOTED, LONG, RIGHT_TO_LEFT = "l\"s'tm <i>", "n" * 300, "مرحبا"
GRID = experiment(
    description=HOSTILE,
    models={
        "simple_rnn": {"units": 8},
        QUOTED: {"model": "lstm", "units": 4},
        LONG: {"model": "gru", "units": 4},
        RIGHT_TO_LEFT: {"model": "gru", "units": 5},
    },
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Location:
    """A store with one run of each model and their report."""
    folder = tmp_path_factory.mktemp("local")
    location = new_store(folder / "store")
    write(
        location, GRID, *whole_run(GRID.runs[0], score=0.625), *(e for run in GRID.runs[2::2] for e in whole_run(run))
    )
    found = results.load(location, GRID)
    Grid(GRID, location).report(folder / "report")
    with Tracker(location, GRID) as tracker:
        tracker.log_report(folder / "report", Headline(found).markdown())
    return location


@pytest.fixture(scope="module")
def page(local: Location) -> Iterator[str]:
    """Address of the experiment in a real MLflow server, which another process serves."""
    assert local.database is not None
    program = f"""
from pathlib import Path
from rnnbench.tracking.ui import serve
from rnnbench.tracking.location import Location
serve(Location.resolve(Path({str(local.database.parent)!r})), None, {free_port()}, lambda line: print(line, flush=True))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
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


def test_the_views_fit_the_experiment() -> None:
    mixed = experiment(
        tasks={"copy_memory": {"lag": 5}, "forecasting": {"lag": 5, "source": "synthetic"}}, models={"gru": {}}
    )
    saved = {tag: json.loads(view) for tag, view in mlflow_views.views(mixed).items()}
    kinds = ["results", "curves", "gradients"]
    names = [*kinds, *(f"{kind}-{task}" for task in (1, 2) for kind in kinds)]
    assert [tag.removeprefix("mlflow.sharedViewState.") for tag in saved] == names
    states = {view["name"]: json.loads(view["state"]) for view in saved.values()}
    assert states["results"]["selectedColumns"][:6] == [
        "tags.`task`", "tags.`model`", "params.`lag`", "params.`training_lags`", "params.`seed`", "metrics.`score`"
    ]  # fmt: skip
    charts = {name: [chart["displayName"] for chart in state["compareRunCharts"]] for name, state in states.items()}
    assert "skill against lag" in charts["results"]
    assert {"validation/accuracy", "validation/mse", "train/loss", "lag_curve/accuracy"} <= set(charts["curves"])
    assert states["curves of copy_memory"]["searchFilter"].endswith(" AND tags.`task` = 'copy_memory'")
    assert "validation/mse" not in charts["curves of copy_memory"]
    assert "validation/mse" in charts["curves of forecasting"]
    assert charts["results of forecasting"] == charts["results"]
    profile = next(
        chart for chart in states["gradients"]["compareRunCharts"] if chart["metricKey"].endswith("survival")
    )
    assert profile["scaleType"] == "log"
    assert {"gradient_profile/survival", "survival against lag"} <= set(charts["gradients"])
    for state in states.values():
        sections = {section["uuid"] for section in state["compareRunSections"]}
        assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections
    assert mlflow_views.views(mixed) == mlflow_views.views(mixed)


def test_no_task_has_views_where_there_is_one_or_too_many() -> None:
    assert mlflow_views.views_of_tasks(GRID) == {}
    labels = ["it's", 'a "b"', 'it\'s "both"', *"defg"]
    for count, expected in ((6, ["it's", 'a "b"', *"def"]), (7, [])):
        tasks = {label: {"task": "copy_memory", "lag": at} for at, label in enumerate(labels[:count], 5)}
        grid = experiment(tasks=tasks, models={"gru": {}})
        assert list(mlflow_views.views_of_tasks(grid)) == expected
        filters = [json.loads(json.loads(view)["state"])["searchFilter"] for view in mlflow_views.views(grid).values()]
        assert sum('"it\'s"' in found for found in filters) == (3 if expected else 0)


def test_addresses(local: Location, tmp_path: Path) -> None:
    expected = {"carry": "http://h:1/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=results"}
    assert mlflow_ui.addresses(local, "http://h:1") == expected
    assert mlflow_ui.addresses(local, "http://h:1", "carry") == expected
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
        grid.remember(Path("by-http.yaml"), ("training.steps=20",))
        write(location, grid, *events)
        grid.remember(Path("by-http.yaml"), ())
        Tracker(location, grid).remember()
        assert location.reader.asked("by-http") == [["training.steps=20"], []]
    by_http, by_sql = results.load(server, grid), results.load(here, grid)
    own = ["run_id", "started"]
    pd.testing.assert_frame_equal(by_http.runs.drop(columns=own), by_sql.runs.drop(columns=own))
    order = ["signature", "metric", "step"]
    sort = {"by": order, "ignore_index": True}
    pd.testing.assert_frame_equal(by_http.history.sort_values(**sort), by_sql.history.sort_values(**sort))
    pd.testing.assert_frame_equal(by_http.profiles, by_sql.profiles)
    said: list[str] = []
    mlflow_ui.serve(server, "by-http", tell=said.append)
    (page_of_it,) = mlflow_ui.addresses(server, server.uri, "by-http").values()
    assert said == [f"by-http: {page_of_it}"]


def test_retrieving_more_points_than_one_answer_holds(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_reader, "_BULK_POINTS", 4)
    loaded = results.load(Location.resolve(tracking_uri=page.split("/#")[0]), GRID)
    assert len(loaded.history) == 24


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    with chromium() as browser:
        found = browser.new_page(viewport={"width": 1500, "height": 1400})
        found.set_default_timeout(90_000)
        yield found


def visit(tab: Page, address: str) -> None:
    # A page that only changes its fragment would keep what the last one had loaded.
    tab.goto("about:blank")
    tab.goto(address)


def shows(tab: Page, *words: str) -> None:
    """Wait until the page shows all of these."""
    tab.wait_for_function("words => words.every(word => document.body.innerText.includes(word))", arg=list(words))


def waited(tab: Page, script: str) -> Any:
    """The value of a JavaScript expression as soon as it is true."""
    return tab.wait_for_function(script).json_value()


def test_the_page_opens_as_the_results_with_hostile_words_as_text(page: str, tab: Page) -> None:
    visit(tab, page)
    shows(tab, "Group by: task", "simple_rnn T5 s0 copy", "training_lags", "uniform", "score", "0.625")
    shows(tab, HOSTILE, QUOTED, RIGHT_TO_LEFT, LONG, "Through blanks")
    links = tab.evaluate("[...document.querySelectorAll('a[target=_blank]')].map(a => a.innerText).join(' ')")
    assert "Report results curves gradients" in links
    # The report is a row of its own, with a group of its own.
    assert waited(tab, "[...document.querySelectorAll('a')].some(a => a.innerText.trim() === 'report')")
    visit(tab, f"{page}&compareRunsMode=CHART")
    shows(tab, "Against the lag", "Does the gradient predict success?")


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("curves", ["Learning", "validation/accuracy"]),
        ("gradients", ["Backwards through time", "Norm before clipping"]),
    ],
)
def test_the_other_views(page: str, tab: Page, view: str, expected: list[str]) -> None:
    visit(tab, page)
    visit(tab, waited(tab, f"document.querySelector('a[href*=\"ShareKey={view}\"]')?.href"))
    shows(tab, "simple_rnn T5 s0 copy", *expected)
    assert "Group: report" not in tab.inner_text("body")


def test_a_run_shows_its_profile(page: str, tab: Page) -> None:
    visit(tab, page)
    link = "[...document.querySelectorAll('a')].find(a => a.innerText.includes('simple_rnn T5'))?.href"
    visit(tab, waited(tab, link))
    shows(tab, "Does simple_rnn still solve copy after 5 steps of blanks?", "not solved")
    drawn = "[...document.images].some(image => image.src.includes('gradient_profile') && image.naturalWidth > 300)"
    assert waited(tab, drawn)
    address = tab.url.partition("?")[0]
    visit(tab, f"{address}/artifacts/gradient_profile.svg?workflowType=machine_learning")
    assert waited(tab, "document.querySelector('img[alt=\"gradient_profile.svg\"]')?.naturalWidth > 300")


def test_the_report_opens(page: str, tab: Page) -> None:
    visit(tab, page)
    visit(tab, waited(tab, "document.querySelector('a[href*=\"report.html\"]')?.href"))
    # The page shows an artifact in a frame of its own.
    report = tab.frame_locator("iframe")
    report.locator("svg").nth(3).wait_for()
    assert "carry" in report.locator("h1").inner_text()
    assert "carry" in report.locator("body").inner_text()
