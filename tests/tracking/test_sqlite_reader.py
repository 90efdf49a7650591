"""SQL reads what MLflow wrote, of however many runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rnnbench.events import Diverged
from rnnbench.tracking.location import Location
from rnnbench.tracking.reader import StoredRun
from tests.event_streams import experiment, new_store, whole_run, write

GRID = experiment()
FIRST, SECOND, *_ = GRID.runs


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return new_store(tmp_path)


def test_sql_reads_what_mlflow_reads(location: Location) -> None:
    """MLflow's tables are read directly, which is quick and undocumented: its own client must see the same."""
    write(location, GRID, *whole_run(FIRST), Diverged(SECOND.signature, 3, {"score": math.nan}))
    for run in location.reader.runs(GRID.name):
        theirs = location.client().get_run(run.run_id)
        assert run.tags == theirs.data.tags
        pd.testing.assert_series_equal(pd.Series(run.metrics), pd.Series(theirs.data.metrics), check_like=True)
        steps = [
            (metric, point.step, point.value)
            for metric in ("train/loss", "validation/accuracy")
            for point in location.client().get_metric_history(run.run_id, metric)
        ]
        ours = [(metric, step, value) for _, step, metric, value in location.reader.histories([run])]
        assert sorted(steps) == sorted(point for point in ours if not point[0].startswith("gradient"))


def test_more_runs_than_a_query_takes_parameters(tmp_path: Any) -> None:
    """SQLite takes 32,766 at most, and older ones 999."""
    location, grid = new_store(tmp_path), experiment()
    write(location, grid, *whole_run(grid.runs[0]))
    (run,) = location.reader.newest_runs(grid.name).values()
    many = [StoredRun(f"{at:032x}", metrics=run.metrics) for at in range(33_000)]
    assert len(location.reader.histories([*many, run])) == len(location.reader.histories([run])) == 6
