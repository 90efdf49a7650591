"""`--open` starts the browser that the person has chosen, with the address of the page."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import pytest

from rnnbench.cli import browser, report
from rnnbench.cli.app import main
from rnnbench.tracking import ui


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file to which a browser of this test writes what it is given."""
    file = tmp_path / "opened"
    script = tmp_path / "browser.py"
    script.write_text(f"import pathlib, sys\npathlib.Path({str(file)!r}).write_text(sys.argv[1])\n")
    chosen = webbrowser.GenericBrowser([sys.executable, str(script), "%s"])
    monkeypatch.setattr(webbrowser, "_tryorder", ["chosen"])
    monkeypatch.setattr(webbrowser, "_browsers", {"chosen": [None, chosen]})
    return file


def test_a_report_is_shown_by_its_path(opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "out dir" / "report.html"
    told = []

    def write(found: object, out: Path, only: object, made_by: str) -> Path:
        told.append(made_by)
        return page

    monkeypatch.setattr(report, "_sources", lambda *_: [None, None])
    monkeypatch.setattr("rnnbench.grid.report.write", write)
    arguments = ["report", "one.yaml", "two.yaml", "--open", "--out", str(page.parent)]
    monkeypatch.setattr(sys, "argv", ["rnnbench", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code in (0, None)
    assert opened.read_text() == page.as_uri()
    assert "--open" not in told[0]  # Others make the same report without it.


def test_the_page_of_the_newest_experiment_is_shown(opened: Path) -> None:
    said: list[str] = []
    ui._tell({"b": "http://127.0.0.1:5000/#/b", "a": "http://127.0.0.1:5000/#/a"}, said.append, browser.show)
    assert opened.read_text() == "http://127.0.0.1:5000/#/b"
    assert said == ["b: http://127.0.0.1:5000/#/b", "a: http://127.0.0.1:5000/#/a"]


def test_without_a_browser_the_address_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    browser.show("http://127.0.0.1:5000")
    assert "no web browser could be started here; the address is" in capsys.readouterr().out
