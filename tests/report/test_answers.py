"""Answers in a report: those of the longest solved and of the shortest failed lag; nothing where none are stored."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from rnnbench.analysis.results import Results
from rnnbench.report.answers import FAILED, SOLVED, ahead_table, answered, confusion_table, examples_table
from rnnbench.report.build import build
from rnnbench.report.comparison import joined
from rnnbench.report.data import ReportData
from rnnbench.showing.answers import Answers
from rnnbench.tasks.forecasting import Forecasting
from rnnbench.tasks.sequential_mnist import SequentialMNIST

TEXTS = {
    "score": "accuracy",
    "examples": [{"example": 7, "lead": 5, "asked": "<A> | B", "truth": "A", "answer": "B", "right": 0.0,
                  "probability": 0.5}],
    "confusion": {"classes": ["A", "B"], "counts": [[3, 1], [2, 4]], "undefined": 0},
}  # fmt: skip


def made_up(tasks: tuple[str, ...] = ("copy_memory",), answers: Any = TEXTS) -> Results:
    """LSTM solves up to lag 10, GRU up to 20: answers of every run, each knowing its own."""
    results = fake(tasks)
    signatures = results.runs["signature"]
    return replace(results, answers={one: lambda one=one: {**answers, "of": one} for one in signatures})


def fake(tasks: tuple[str, ...]) -> Results:
    from tests.report.fake_results import fake_results

    results = fake_results(tasks=tasks, models=("lstm", "gru"), lags=(5, 10, 20, 50), seeds=2)
    runs = results.runs.assign(
        solved=[row["lag"] <= {"lstm": 10, "gru": 20}[row["model"]] for row in results.runs.to_dict("records")]
    )
    return replace(results, runs=runs.astype({"solved": "boolean"}))


def shown(results: Results) -> list[tuple[str, str, int, int]]:
    data = ReportData(results)
    (problem,) = data.problems
    return [(one.at, one.run["series"], one.run["lag"], one.run["seed"]) for one in answered(data, problem)]


def test_the_longest_solved_and_the_shortest_failed_lag_of_any_network() -> None:
    assert shown(made_up()) == [(SOLVED, "gru", 20, 0), (FAILED, "lstm", 20, 0)]


def test_a_run_without_answers_is_passed_over_and_a_store_of_before_says_nothing() -> None:
    results = made_up()
    first = results.runs.query("model == 'gru' and lag == 20 and seed == 0")["signature"].item()
    assert shown(replace(results, answers=dict(results.answers) | {first: lambda: None}))[0] == (SOLVED, "gru", 20, 1)
    assert shown(fake(("copy_memory",))) == []


def test_only_the_answers_that_are_shown_are_read() -> None:
    results, read = made_up(), []
    counted = {one: (lambda one=one, of=of: read.append(one) or of()) for one, of in results.answers.items()}
    data = ReportData(replace(results, answers=counted))
    (problem,) = data.problems
    for _ in range(3):
        answered(data, problem)
    assert len(read) == 2


def test_tables_hold_the_examples_and_the_matrix() -> None:
    data = ReportData(made_up())
    (problem,) = data.problems
    table = examples_table(data, problem, SOLVED)
    assert table is not None
    assert table.rows == [
        [("example 7", "behind a lead of 5"), ("<A> | B",), ("A",), ("B", "probability 0.500"), ("no",)]
    ]
    assert "gru at lag 20, the longest solved one of any network (uniform lags, blank filler, seed 0)" in table.caption
    matrix = confusion_table(data, problem, FAILED)
    assert matrix is not None
    assert matrix.head == ["right class", "A", "B", "recall"]
    assert [[cell[0] for cell in row] for row in matrix.rows] == [["A", "3", "1", "0.750"], ["B", "2", "4", "0.667"]]
    assert "lstm at lag 20, the shortest failed one" in matrix.caption
    assert ahead_table(data, problem) is None


def written(results: Results, folder: Path) -> tuple[str, str]:
    page = build({}, results, folder, title="x", provenance={}, reproduce=[])
    text = re.sub(r"<script.*?</script>", "", page.read_text("utf-8"), flags=re.DOTALL)
    return html.unescape(text), (folder / "report.md").read_text("utf-8")


def test_page_and_markdown_have_a_section(tmp_path: Path) -> None:
    page, text = written(made_up(), tmp_path)
    assert "<h3>Answers</h3>" in page
    assert "What the longest solved lag answers" in page
    assert "### Answers" in text
    assert r"\<A\> \| B" in text


def test_without_answers_a_report_is_as_it_was(tmp_path: Path) -> None:
    page, text = written(fake(("copy_memory",)), tmp_path)
    assert "Answers</h3>" not in page
    assert "### Answers" not in text


def test_sums_alone_name_no_rows(tmp_path: Path) -> None:
    page, text = written(made_up(answers=TEXTS | {"examples": []}), tmp_path)
    assert "Right classes and answers at the longest solved lag" in page
    assert "example 7" not in page + text
    assert "<A> | B" not in page


def of_task(task: Any) -> dict[str, Any]:
    answers, rng = Answers(task), np.random.default_rng(0)
    for stream in task.streams("test"):
        answers.update(stream, rng.normal(size=(stream.examples, 1, task.outputs)).astype(np.float32))
    found = answers.result()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("task", "figure", "marks"),
    [
        (Forecasting(lag=5, source="synthetic"), "forecasts", "steps ahead of the last one seen"),
        (SequentialMNIST(lag=5, source="synthetic"), "pictures", "data:image/png;base64,"),
    ],
)
def test_forecasts_and_pictures_are_figures(task: Any, figure: str, marks: str, tmp_path: Path) -> None:
    name = "forecasting" if figure == "forecasts" else "speech_commands"
    page, text = written(made_up((name,), of_task(task)), tmp_path)
    (file,) = (tmp_path / "figures").glob(f"{figure}-*.svg")
    svg = file.read_text("utf-8")
    ElementTree.fromstring(svg)
    assert marks in svg
    assert f"figures/{file.name}" in text
    # A figure shows them, so no table does.
    assert "What the longest solved lag answers" not in page
    assert ("Error of each step ahead" in page) == (figure == "forecasts")


def test_experiments_side_by_side_keep_their_answers() -> None:
    one, other = made_up(), made_up()
    both, _ = joined({"a": one, "b": other}, {"a": {"copy_memory": {}}, "b": {"copy_memory": {}}})
    first = one.runs["signature"].iloc[0]
    assert {f"{first} a", f"{first} b"} <= both.answers.keys()
    found = both.answers[f"{first} a"]()
    assert found is not None
    assert found["of"] == first
