"""From an experiment to its report, where there is nothing left to run."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from rnnbench.cli.screen import Screen
from rnnbench.errors import UserError
from rnnbench.execution.executors import executor_factory
from rnnbench.grid.grid import Grid, Outcome
from rnnbench.tracking.location import Location
from tests.event_streams import experiment, new_store, whole_run, write
from tests.refusing_grid import refusing


def test_run_leaves_the_report_and_the_store_as_the_file_is_now(tmp_path: Path) -> None:
    """Other labels, fewer lags, other words; the same file, the same bytes."""
    location, out = new_store(tmp_path / "store"), tmp_path / "report"

    def run(**changes: object) -> Outcome:
        screen = Screen(Console(quiet=True))
        return Grid(experiment(**changes), location).run(executor_factory(1), screen, out)

    def files() -> dict[str, bytes]:
        return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}

    old = experiment()
    write(location, old, *(event for spec in old.runs for event in whole_run(spec)))
    assert run().page == out / "report.html"
    first = files()
    (stored,) = location.reader.runs(old.name, kind="report")
    assert run().page == out / "report.html"
    assert files() == first
    assert [one.run_id for one in location.reader.runs(old.name, kind="report")] == [stored.run_id]

    lstm = {"model": "lstm", "units": 4, "learning_rate": 0.01}
    changes = {
        "description": "New words.",
        "tasks": {"copy": {"task": "copy_memory", "lag": 5, "symbols": 1}},
        "models": {"lstm": {"model": "simple_rnn", "units": 8}, "rnn": lstm},
    }
    outcome = run(**changes)
    assert (outcome.attempted, outcome.page) == (0, out / "report.html")
    table = pd.read_csv(out / "results.csv")
    assert table[["model", "lag"]].to_numpy().tolist() == [["lstm", 5], ["rnn", 5]]
    assert "New words." in (out / "report.md").read_text()
    (newest,) = location.reader.runs(old.name, kind="report")
    assert newest.run_id != stored.run_id
    note = location.client().get_experiment_by_name(old.name).tags["mlflow.note.content"]
    assert "New words." in note
    labels = [location.reader.newest_runs(old.name)[spec.signature].tags["model"] for spec in old.runs]
    assert labels == ["lstm", "simple_rnn", "rnn", "lstm"]  # Those that were taken out are left alone.


def test_a_grid_whose_runs_are_all_skipped_says_so_and_writes_nothing(tmp_path: Path) -> None:
    told = io.StringIO()
    grid = Grid(refusing(models={"both_ways": {}}), Location.resolve(tmp_path / "store"))
    outcome = grid.run(executor_factory(1), Screen(Console(file=told, width=200)), tmp_path / "report")
    assert told.getvalue().splitlines() == [
        "carry: 0 runs, 5 skipped, nothing to run",
        "skipped: 5 runs (both_ways; review; lags 0, 10, 20): its layer reads later steps too, which shortcuts the lag",
    ]
    assert (outcome.complete, outcome.attempted, outcome.page) == (True, 0, None)
    assert list(tmp_path.iterdir()) == []
    assert grid.others() == []
    with pytest.raises(UserError, match="nothing to report on 'carry': every run is skipped: its layer reads later"):
        grid.report(tmp_path / "report")
