"""What a run answered, as MLflow shows it, as it is read back, and as it travels; private examples nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from rnnbench.errors import UserNote
from rnnbench.events import Answered
from rnnbench.experiment.definition import Experiment
from rnnbench.grid import results
from rnnbench.grid.exported import answered, take_in
from rnnbench.grid.report import Source, write
from rnnbench.tracking.answers_files import TABLES_TAG, tables
from rnnbench.tracking.location import Location
from rnnbench.training import run as training
from tests.event_streams import experiment, new_store, whole_run
from tests.event_streams import write as write_events

GRID = experiment()
FIRST, SECOND, *_ = GRID.runs
PRIVATE = Path(__file__).parents[1] / "plugins" / "private.py"
EXAMPLE = {"example": 3, "lead": 5, "asked": "A, then 5 steps of blank", "truth": "A", "answer": "B", "right": 0.0,
           "probability": 0.5}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "score": "accuracy",
    "examples": [EXAMPLE, EXAMPLE | {"example": 9, "answer": "A", "right": 1.0}],
    "confusion": {"classes": ["A", "B"], "counts": [[3, 1], [0, 0]], "undefined": 0},
}


@pytest.fixture
def location(tmp_path: Path) -> Location:
    store = new_store(tmp_path / "store")
    write_events(store, GRID, Answered(FIRST.signature, ANSWERS), *whole_run(FIRST), *whole_run(SECOND))
    return store


def files_of(location: Location, signature: str) -> Path:
    assert location.artifacts is not None
    return location.artifacts / GRID.name / location.reader.newest_runs(GRID.name)[signature].run_id / "artifacts"


def test_mlflow_finds_the_tables_and_reads_them(location: Location) -> None:
    run = location.reader.newest_runs(GRID.name)[FIRST.signature]
    stored = location.client().get_run(run.run_id)
    assert json.loads(stored.data.tags[TABLES_TAG]) == [
        {"path": "predictions.json", "type": "table"},
        {"path": "confusion_matrix.json", "type": "table"},
    ]
    file = files_of(location, FIRST.signature) / "predictions.json"
    # As `mlflow.load_table` reads it.
    table = pd.read_json(file, orient="split")
    assert list(table.columns) == ["example", "truth", "answer", "right", "probability", "asked", "lead"]
    assert table["answer"].tolist() == ["B", "A"]
    matrix = pd.read_json(file.with_name("confusion_matrix.json"), orient="split")
    assert list(matrix.columns) == ["right class", "answered A", "answered B", "examples", "recall"]
    assert matrix.iloc[0].tolist() == ["A", 3, 1, 4, 0.75]
    assert pd.isna(matrix["recall"].iloc[1])


def test_the_matrix_is_a_picture_and_text_has_none(location: Location) -> None:
    folder = files_of(location, FIRST.signature)
    ElementTree.fromstring((folder / "confusion_matrix.svg").read_text("utf-8"))
    assert not (folder / "predictions.svg").exists()


def test_answers_are_read_back_and_absent_where_none_were_stored(location: Location) -> None:
    read = results.load(location, GRID).answers
    assert read[FIRST.signature]() == ANSWERS
    assert read[SECOND.signature]() is None
    assert TABLES_TAG not in location.reader.newest_runs(GRID.name)[SECOND.signature].tags


def test_damaged_answers_are_left_out_with_a_note(location: Location) -> None:
    (files_of(location, FIRST.signature) / "answers.json").write_text("[1")
    with pytest.warns(UserNote, match=r"answers\.json of run .* is left out: it is damaged"):
        assert results.load(location, GRID).answers[FIRST.signature]() is None


def test_answers_travel(location: Location, tmp_path: Path) -> None:
    folder = write([Source(GRID, location, "made")], tmp_path / "report").parent
    (found,) = answered([folder])
    assert results.load(found.location, found.experiment).answers[FIRST.signature]() == ANSWERS
    again = write([Source(found.experiment, found.location, found.made_by)], tmp_path / "again").parent
    assert (again / "report.html").read_bytes() == (folder / "report.html").read_bytes()
    assert (again / "data" / "answers.parquet").read_bytes() == (folder / "data" / "answers.parquet").read_bytes()
    there = new_store(tmp_path / "there")
    list(take_in([found], there, lambda *_: None))
    assert results.load(there, GRID).answers[FIRST.signature]() == ANSWERS
    run = there.reader.newest_runs(GRID.name)[FIRST.signature]
    assert TABLES_TAG in there.client().get_run(run.run_id).data.tags
    assert (files_of(there, FIRST.signature) / "predictions.json").exists()


def test_examples_that_are_not_to_be_shown_any_more_stay_in_the_store(
    location: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(FIRST.task), "show_examples", False, raising=False)
    found = results.load(location, GRID).answers[FIRST.signature]()
    assert found == ANSWERS | {"examples": []}
    folder = write([Source(GRID, location, "made")], tmp_path / "report").parent
    (there,) = answered([folder])
    assert there.reader.answers(GRID.name, location.reader.newest_runs(GRID.name)[FIRST.signature].run_id) == found


def test_results_without_answers_have_no_file_of_them(tmp_path: Path) -> None:
    store = new_store(tmp_path / "store")
    write_events(store, GRID, *whole_run(FIRST))
    folder = write([Source(GRID, store, "made")], tmp_path / "report").parent
    assert not (folder / "data" / "answers.parquet").exists()
    (found,) = answered([folder])
    assert results.load(found.location, found.experiment).answers[FIRST.signature]() is None


def test_errors_ahead_are_a_table() -> None:
    table = tables({"examples": [], "errors_ahead": {"mse": [1.0, None], "persistence": [2.0, 3.0]}})
    assert table == {
        "errors_ahead.json": {
            "columns": ["steps ahead", "mse", "mse of persistence"],
            "data": [[1, 1.0, 2.0], [2, None, 3.0]],
        }
    }


def test_nothing_of_private_examples_is_in_any_file(tmp_path: Path) -> None:
    grid = Experiment(
        name="private",
        plugins=[str(PRIVATE)],
        tasks={"private_diary": {"lag": 2}, "private_meter": {"lag": 2}},
        models={"gru": {"units": 4}},
        seeds=1,
        training={"steps": 2, "batch_size": 16, "evaluate_every": 1, "implementation": "stock"},
        gradients={"examples": 4},
    )
    store = new_store(tmp_path / "store")
    write_events(store, grid, *(event for spec in grid.runs for event in training.run(spec)))
    assert {len(answers()["examples"]) for answers in results.load(store, grid).answers.values()} == {0}
    folder = write([Source(grid, store, "made")], tmp_path / "report").parent
    from rnnbench import registry

    values = registry.tasks["private_meter"](lag=2).examples("test").evidence.ravel()
    told = {f"{value:.{digits}g}" for value in values for digits in (4, 5, 7)} | {f"{value:.6f}" for value in values}
    for file in [*folder.rglob("*"), *(tmp_path / "store").rglob("*")]:
        if not file.is_file():
            continue
        content = file.read_bytes()
        assert b"secretword" not in content, file
        if file.suffix in (".json", ".svg", ".md", ".csv", ".html", ".txt"):
            words = set(content.decode("utf-8").replace(",", " ").replace("]", " ").replace("[", " ").split())
            assert not told & words, file
    assert "Error of each step ahead" in (folder / "report.html").read_text("utf-8")
