"""The store under load: one writer takes what eight workers say as fast as they can."""

from rnnbench.execution.driver import drive
from rnnbench.execution.local import LocalPool
from rnnbench.grid import results
from rnnbench.tracking.writer import Tracker
from tests.event_streams import new_store
from tests.execution import stub_runs


def test_eight_workers_at_full_speed(tmp_path):
    grid = stub_runs.experiment(8, steps=250)
    location = new_store(tmp_path)
    with Tracker(location, grid) as tracker:
        tally = drive(list(grid.runs), LocalPool(8, work=stub_runs.loud), tracker, lambda *_: None)
    assert (tally.finished, tally.failed) == (8, {})
    history = results.load(location, grid).history
    assert len(history) == 8 * 250 * 20
    assert not history.duplicated(["signature", "metric", "step"]).any()
    assert (history["value"] == history["step"]).all()
    assert tally.writing > 0
