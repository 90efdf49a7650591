"""The page in a real browser: it opens, draws every figure, asks for nothing, and keyboard and pointer reach it all."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rnnbench.report.build import build
from rnnbench.report.index import write_index
from tests.report.fake_results import fake_results

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=60000", "--enable-logging=stderr",
]  # fmt: skip
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)> \"q' \u202emodel"
RUNS = "http://127.0.0.1:5000/#/experiments/1/runs/"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs chromium to open the page")


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


def opened(page: Path, folder: Path, *flags: str) -> str:
    """The document after its scripts have run; fails on anything in the console, where refused requests are told."""
    done = subprocess.run(
        [str(BROWSER), *FLAGS, *flags, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    assert not re.findall(r".*CONSOLE.*", done.stderr)
    return done.stdout


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True), (1920, False)])
def test_a_reader_at_every_width(page: Path, width: int, dark: bool, tmp_path: Path):
    # The page's own policy has the browser refuse every request and log an error for it.
    text = page.read_text("utf-8")
    assert "default-src 'none'; script-src 'unsafe-inline'" in text
    probe = (Path(__file__).parent / "probe.js").read_text("utf-8")
    # In a frame, because the browser's window has a least width.
    inside = html.escape(text.replace("</body>", f"<script>{probe}</script></body>"))
    frame = tmp_path / "frame.html"
    frame.write_text(f'<body><iframe srcdoc="{inside}" style="border: 0; width: {width}px; height: 900px">', "utf-8")
    dom = opened(frame, tmp_path, "--window-size=2000,1000", *["--blink-settings=preferredColorScheme=0"] * dark)
    found: dict[str, Any] = json.loads(html.unescape(re.findall(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)[0]))
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


def test_the_list_of_reports(page: Path, tmp_path: Path):
    write_index(page.parent.parent)
    dom = opened(page.parent.parent / "index.html", tmp_path)
    assert html.escape(HOSTILE, quote=False) in dom
    assert "report/report.html" in dom
