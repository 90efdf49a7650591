"""A figure is one file: what a plug-in registers stands in the page, the Markdown, the SVG files and the API."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import rnnbench
from rnnbench.cli.app import app
from rnnbench.errors import UserError, UserNote
from rnnbench.experiment import yaml_file
from rnnbench.registry import load_plugins
from rnnbench.report.build import build
from rnnbench.report.figures import base
from rnnbench.report.figures.base import PARTS, AnswerFigure, TaskFigure, report_figures
from tests.event_streams import new_store
from tests.report.fake_results import fake_results
from tests.report.synthetic_store import fill

IMPORTS = """
import altair as alt
from rnnbench import AnswerFigure, TaskFigure, register_figure
from rnnbench.report.data import rows_of
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import PanelBuilder, panel
"""
EXAMPLE = inspect.cleandoc(str(ast.get_docstring(ast.parse(inspect.getsource(base))))).partition("\n\n")[2]
SECONDS = IMPORTS + inspect.cleandoc(EXAMPLE.partition("\n\nThe page")[0])
TOLD = "Seconds of each run, against the lag"


@pytest.fixture(autouse=True)
def others() -> Iterator[None]:
    known = set(report_figures)
    yield
    with report_figures.forgetting({report_figures[name].__module__ for name in set(report_figures) - known}):
        kept = dict(report_figures._things)
    report_figures._things = kept


def plugin(folder: Path, text: str) -> Path:
    file = folder / "own_figures.py"
    file.write_text(text, "utf-8")
    load_plugins([str(file)])
    return file


def report(folder: Path, tasks: tuple[str, ...] = ("copy_memory",)) -> tuple[str, str]:
    """Page and Markdown of a small report."""
    results = fake_results(tasks=tasks, models=("lstm",), lags=(5,), seeds=1, history=False)
    page = build({}, results, folder, title="x", provenance={}, reproduce=[])
    return page.read_text("utf-8"), (folder / "report.md").read_text("utf-8")


def test_built_in_figures_are_found_and_stand_under_known_headings():
    assert list(report_figures) == [
        "budget", "cost", "curves", "forecasts", "gradients", "lag_curve", "overview", "pictures", "prediction",
        "score", "solving", "start_shift", "stream", "survival",
    ]  # fmt: skip
    kinds = [report_figures[name] for name in report_figures]
    assert {kind.part for kind in kinds if issubclass(kind, TaskFigure)} == set(PARTS)
    assert all(issubclass(kind, TaskFigure | AnswerFigure) for kind in kinds)


def test_the_figure_of_the_documentation_appears_everywhere(tmp_path):
    plugin(tmp_path, SECONDS)
    page, text = report(tmp_path / "out", ("copy_memory", "sentiment"))
    for task in ("copy_memory", "sentiment-synthetic-stand-in"):
        assert f'id="seconds-{task}"' in page
        assert f"](figures/seconds-{task}.svg)" in text
        assert TOLD in (tmp_path / "out" / "figures" / f"seconds-{task}.svg").read_text("utf-8")
    assert page.count(f'. {TOLD}"') == 2
    # After the built-in one of its part, of which it knows nothing.
    assert page.index('id="cost-copy_memory"') < page.index('id="seconds-copy_memory"') < page.index("Size and cost")
    drawn = rnnbench.figures(fake_results(models=("lstm",), lags=(5,), seeds=1))
    assert list(drawn)[-2:] == ["cost-copy_memory", "seconds-copy_memory"]


def test_an_experiment_takes_a_figure_without_another_signature(tmp_path, monkeypatch):
    file = tmp_path / "short.yaml"
    file.write_text("name: short\ntasks: {copy_memory: {lag: [5], symbols: 1}}\nmodels: {gru: {units: 8}}\nseeds: 1\n")
    fill(new_store(tmp_path / "store"), yaml_file.load(file))
    (tmp_path / "own_figures.py").write_text(SECONDS, "utf-8")
    file.write_text(f"{file.read_text()}plugins: [own_figures.py]\n")
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["report", "short.yaml"], catch_exceptions=False)
    text = (tmp_path / "reports" / "short" / "report.md").read_text("utf-8")
    assert "1 run: 1 finished." in text
    assert "](figures/seconds-copy_memory.svg)" in text


def test_its_heading_and_place_are_its_own(tmp_path):
    plugin(tmp_path, SECONDS.replace('part = "Cost"', 'part, order = "Clock", 1'))
    page, text = report(tmp_path / "out")
    headings = re.findall(r"^### (.*)", text, re.MULTILINE)
    assert headings == ["Score", "Gradients", "Training", "Cost", "Clock"]
    assert "<h3>Clock</h3>" in page


def test_a_figure_of_the_answer_stands_there_once(tmp_path):
    text = SECONDS.replace("(TaskFigure)", "(AnswerFigure)").replace("data, problem):", "data):")
    text = text.replace("rows_of(data.runs, problem)", "data.runs").replace("self.file_name(problem)", "self.name")
    plugin(tmp_path, text.replace("{problem.label}", "all").replace('part = "Cost"', "order = 0"))
    page, text = report(tmp_path / "out")
    assert page.count('id="seconds"') == 1
    assert page.index('id="seconds"') < page.index('id="overview"') < page.index('<section id="copy_memory">')
    assert text.index("](figures/seconds.svg)") < text.index("](figures/overview.svg)")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('["series", "lag", "seconds"]', "1 / 0", "ZeroDivisionError: division by zero"),
        ('panel([points], "", words)', '{"mark": 3}', "ValueError: "),
        ("[panel([points]", "[None, panel([points]", "TypeError: "),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_left_out_with_a_note(tmp_path, old, new, reason):
    file = plugin(tmp_path, SECONDS.replace(old, new))
    with pytest.warns(UserNote, match=re.escape(f"the figure 'seconds' of class Seconds ({file}")) as told:
        page, _ = report(tmp_path / "out")
    assert any(reason in str(one.message) for one in told)
    assert "seconds-copy_memory" not in page
    assert 'id="overview"' in page


def test_what_an_edited_plug_in_no_longer_registers_is_forgotten(tmp_path):
    plugin(tmp_path, SECONDS)
    assert "seconds" in report_figures
    plugin(tmp_path, SECONDS.replace('"seconds")', '"minutes")', 1))
    assert "minutes" in report_figures
    assert "seconds" not in report_figures


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("register_figure('x')(type('X', (), {}))", "figure 'x': class X"),
        ("register_figure('score')(type('X', (TaskFigure,), {'__module__': __name__}))", "registered twice"),
    ],
)
def test_what_is_no_figure_is_refused(tmp_path, text, said):
    with pytest.raises(UserError, match=said):
        plugin(tmp_path, IMPORTS + text)
