"""The documentation builds into a site without a warning, and no link in it is dead."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]

pytest.importorskip("material", reason="mkdocs-material is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", place],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def pages(site: Path) -> dict[Path, str]:
    """Those that MkDocs made; a report is a page of its own, with tests of its own."""
    found = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    return {path: text for path, text in found.items() if 'content="mkdocs-' in text}


def test_every_page_is_there(site: Path) -> None:
    made = {str(path.parent.relative_to(site)) for path in pages(site)}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} | {"reports", "notebook", "changelog"} <= made
    assert (site / "reports" / "copy-memory" / "report.html").exists()
    assert not (site / "making").exists()


def test_no_link_is_dead(site: Path) -> None:
    anchors = {path: set(re.findall(r'\sid="([^"]+)"', text)) for path, text in pages(site).items()}
    for path, text in pages(site).items():
        if path.name == "404.html":
            continue
        for link in map(unescape, re.findall(r'<(?:a|img|link|script)\s[^>]*?(?:href|src)="([^"]+)"', text)):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), (path, link)
            if parts.fragment and target in anchors and not parts.fragment.startswith("__"):
                assert unquote(parts.fragment) in anchors[target], (path, link)


def test_a_page_makes_no_request_to_another_host(site: Path) -> None:
    for path, text in pages(site).items():
        loaded = re.findall(r'<(?:script|img|iframe)\s[^>]*?src="(https?:)?//', text)
        loaded += re.findall(r'<link\s[^>]*?rel="(?:stylesheet|preconnect|icon)"[^>]*?href="(?:https?:)?//', text)
        assert loaded == [], path


def test_the_notebook_is_shown_with_what_it_gave(site: Path) -> None:
    text = (site / "notebook" / "index.html").read_text("utf-8")
    assert text.count("<svg") > 0
    assert "Memory horizon" in text
    assert "horizon_lag" in text
