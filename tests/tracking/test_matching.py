"""Points of a grid that are one run, and runs whose data are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.cli import values
from rnnbench.cli.views.status import status as status_view
from rnnbench.execution.leases import Leases
from rnnbench.experiment.definition import Experiment
from rnnbench.grid import results, stages, status
from rnnbench.tasks.base import Task
from rnnbench.tracking.matching import match
from rnnbench.tracking.names import SETTINGS_TAG, SIGNATURE_TAG
from rnnbench.tracking.reader import StoredRun
from tests.event_streams import new_store, whole_run, write

PROTOCOLS = ["uniform", "far"]


def twins(**changes: object) -> Experiment:
    settings = {
        "name": "twins",
        "tasks": {"adding": {"lag": [0, 5], "training_lags": PROTOCOLS}},
        "models": {"gru": {"units": 4}},
        "training": {"steps": 20},
    }
    return Experiment.model_validate(settings | changes)


@pytest.fixture
def location(tmp_path: Path):
    return new_store(tmp_path)


def test_protocols_at_the_shortest_lag_are_one_run():
    grid = twins()
    assert (len(grid.points), len(grid.runs), stages.planned(grid)) == (4, 3, 3)
    assert [point.signature == grid.runs[0].signature for point in grid.points] == [True, True, False, False]
    only = twins(tasks={"far": {"task": "adding", "lag": [0, 5], "training_lags": "far"}})
    assert only.runs[0].signature == grid.runs[0].signature
    assert only.runs[0].task.training_lags == "fixed"
    assert only.points[0].task.training_lags == "far"
    assert values.plan(grid, 1)["planned"] == len(values.plan(grid, 1)["runs"]) == 3


def test_settings_that_are_not_used_make_no_runs():
    chrono = {"model": "lstm", "units": 4, "initialization": "chrono", "forget_bias": [1.0, 2.0]}
    plain = {"model": "gru", "units": 4, "chrono_max": [10, 20]}
    literature = {"task": "adding", "form": "urnn", "filler": "decoy", "lag": 5, "evidence": [10, 20]}
    grid = twins(models={"chrono": chrono, "plain": plain}, tasks={"literature": literature})
    assert (len(grid.points), len(grid.runs)) == (8, 2)
    used = twins(models={"plain": plain | {"forget_bias": [0.0, 1.0]}}, tasks={"adding": {"lag": 5}})
    assert (len(used.points), len(used.runs)) == (4, 2)


def test_a_run_stands_under_each_label(location):
    labels = {"near": {"task": "adding", "lag": [0, 5]}, "far": {"task": "adding", "lag": 0, "training_lags": "far"}}
    grid = twins(tasks=labels)
    write(location, grid, *whole_run(grid.runs[0]))
    found = results.load(location, grid)
    assert found.runs[["task", "lag", "training_lags"]].to_numpy().tolist() == [
        ["near", 0, "uniform"],
        ["far", 0, "far"],
    ]
    assert found.runs["run_id"].nunique() == found.runs["signature"].nunique() == 1
    assert found.runs["score"].tolist() == [0.75, 0.75]
    assert found.history["metric"].value_counts()["train/loss"] == 2
    said = status.look(grid, location, Leases(Path("leases")))
    assert said.done == 1
    told = values.status(grid, said)
    assert [run["state"] for run in told["runs"]] == ["finished", "waiting", "finished"]
    assert told["counts"] == {"finished": 1, "waiting": 1}


def test_a_rate_is_chosen_on_each_line_that_a_run_stands_on(location):
    grid = twins(training={"steps": 20, "learning_rate": [1e-3, 1e-2]}, seeds=[0, 1], select={"seeds": [0]})
    assert len(grid.runs) == 12
    first = stages.needed(grid, location, grid.runs)
    assert {spec.seed for spec in first} == {0}
    assert len(first) == 6


def test_a_real_double_is_still_refused():
    with pytest.raises(Exception, match="two points of the grid are the same run"):
        twins(tasks={"a": {"task": "adding", "lag": 5}, "b": {"task": "adding", "lag": 5}}).runs  # noqa: B018


def stored(run_id: str, spec, data: str) -> StoredRun:
    return StoredRun(run_id, {SIGNATURE_TAG: data, SETTINGS_TAG: spec.settings_signature})


def test_runs_whose_data_are_absent_are_found_by_their_settings(monkeypatch):
    here = twins()
    runs = [stored(str(at), spec, spec.signature) for at, spec in enumerate(here.runs)]
    assert match(here, runs).note == ""
    monkeypatch.setattr(Task, "fingerprint", lambda self: None)
    absent = twins()
    found = match(absent, runs)
    assert [found.runs[spec.signature].run_id for spec in absent.runs] == ["0", "1", "2"]
    assert found.note == "the data of adding are not here: runs are matched by their settings alone"
    other = match(absent, [*runs, stored("new", here.runs[1], "other data")])
    assert other.runs[absent.runs[1].signature].run_id == "new"
    assert other.note.endswith("; 1 run was made on different data, of which the newest is shown")
    assert match(twins(training={"steps": 21}), runs).runs == {}


def test_absent_data_are_said_in_status_and_results(location, monkeypatch):
    grid = twins()
    stored = grid.runs[0].signature
    write(location, grid, *whole_run(grid.runs[0]))
    monkeypatch.setattr(Task, "fingerprint", lambda self: None)
    grid = twins()
    found = results.load(location, grid)
    assert "matched by their settings alone" in found.note
    assert set(found.history["signature"]) == {stored}
    said = status.look(grid, location, Leases(Path("leases")))
    assert (said.states[grid.runs[0].signature], said.note) == ("finished", found.note)
    assert results.provenance(location, grid)["data"] == found.note
    assert "note" in values.status(grid, said)
    assert found.note in str([getattr(part, "plain", "") for part in status_view(grid, said).renderables])
