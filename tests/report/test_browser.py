"""The page in a real browser: it opens, draws every figure, asks for nothing, and keyboard and pointer reach it all."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rnnbench.report.build import build
from rnnbench.report.index import write_index
from tests.browser import chromium
from tests.report.fake_results import fake_results

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)> \"q' \u202emodel"
RUNS = "http://127.0.0.1:5000/#/experiments/1/runs/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = fake_results(
        tasks=("copy_memory", "sentiment"), models=("lstm", HOSTILE, "m" * 300), lags=(0, 20), seeds=2,
        statuses={1: "diverged", 2: "failed"},
    )  # fmt: skip
    facts = {"machine": HOSTILE}
    out = tmp_path_factory.mktemp("reports") / "report"
    return build(
        facts, results, out, title=HOSTILE, description=HOSTILE, restriction=HOSTILE, provenance=facts,
        reproduce=[HOSTILE], run_pages={"lag": RUNS},
    )  # fmt: skip


@contextmanager
def opened(browser: Browser, page: Path, **options: Any) -> Iterator[Tab]:
    """A tab that shows a file; fails on a request beyond its folder and on anything in the console."""
    with browser.new_context(**options) as context:
        tab = context.new_page()
        requests: list[str] = []
        said: list[str] = []
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(page.as_uri())
        yield tab
        assert said == []
        assert [url for url in requests if not url.startswith(page.parent.as_uri())] == []


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True), (1920, False)])
def test_a_reader_at_every_width(browser: Browser, page: Path, width: int, dark: bool):
    # The page's own policy has the browser refuse every request and log an error for it.
    text = page.read_text("utf-8")
    assert "default-src 'none'; script-src 'unsafe-inline'" in text
    probe = (Path(__file__).parent / "probe.js").read_text("utf-8")
    scheme = "dark" if dark else "light"
    with opened(browser, page, viewport={"width": width, "height": 900}, color_scheme=scheme) as tab:
        found = tab.evaluate(probe)
    assert found["panels"] == found["drawn"] == text.count('class="panel"') > 10
    assert found["title"] == HOSTILE
    assert (found["width"], found["dark"], found["overflow"]) == (width, dark, 0)
    assert found["faint"] == []
    assert found["silent"] == []
    assert re.fullmatch(r"model lstm, lag 0, seed 0, skill [\d.]+, status finished", found["said"])
    assert "lstm" in found["tooltip"]
    assert found["opened"] == [f"{RUNS}r{0:016x}"] * 2
    assert found["before"] > 0
    assert found["hidden"] == [0, "false"]


def test_the_list_of_reports(browser: Browser, page: Path):
    write_index(page.parent.parent)
    with opened(browser, page.parent.parent / "index.html") as tab:
        dom = tab.content()
    assert html.escape(HOSTILE, quote=False) in dom
    assert "report/report.html" in dom
