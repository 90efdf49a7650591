"""The page in a real browser: it opens, draws every figure, logs no error and asks for nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from fake_results import fake_results

from rnnbench.report.build import build

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=20000", "--enable-logging=stderr",
]  # fmt: skip


@pytest.mark.skipif(BROWSER is None, reason="needs chromium to open the page")
def test_page_in_a_browser(tmp_path: Path):
    results = fake_results(tasks=("copy_memory", "sentiment"), lags=(5, 20), seeds=2, statuses={1: "diverged"})
    page = build({}, results, tmp_path / "report", title="lag", provenance={}, reproduce=[])
    # The page's own policy has the browser refuse every request and log an error for it.
    assert "default-src 'none'; script-src 'unsafe-inline'" in page.read_text("utf-8")
    done = subprocess.run(
        [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert not re.findall(r".*CONSOLE.*", done.stderr)
    panels = done.stdout.count('class="panel"')
    assert panels == done.stdout.count('data-drawn="yes"') - 1 > 10
    assert done.stdout.count("<svg") >= panels
    assert "NaN" not in done.stdout.split("<main>")[1].split("</main>")[0]
