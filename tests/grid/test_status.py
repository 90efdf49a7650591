from __future__ import annotations

from pathlib import Path

from rnnbench.execution.leases import Leases
from rnnbench.grid import status
from rnnbench.tracking.location import Location
from tests.event_streams import new_store, whole_run, write
from tests.refusing_grid import refusing


def test_a_skipped_run_is_neither_waiting_nor_ended(tmp_path: Path) -> None:
    grid, location = refusing(), new_store(tmp_path)
    write(location, grid, *(event for spec in grid.runs[:3] for event in whole_run(spec)))
    seen = status.look(grid, location, Leases(Path("nowhere")))
    assert seen.counts(grid.whole_grid) == {"finished": 3, "waiting": 5, "skipped": 2}
    assert seen.counts(grid.runs) == {"finished": 3, "waiting": 5}
    assert seen.done == 3


def test_where_every_run_is_skipped_no_store_is_asked(tmp_path: Path) -> None:
    grid = refusing(models={"both_ways": {}})
    seen = status.look(grid, Location.resolve(tmp_path / "nowhere"), Leases(Path("nowhere")))
    assert seen.counts(grid.whole_grid) == {"skipped": 5}
    assert not (tmp_path / "nowhere").exists()
