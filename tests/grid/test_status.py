from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.execution.leases import Leases
from rnnbench.grid import status
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from tests.event_streams import experiment, new_store, started, whole_run, write
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


def test_before_values_are_chosen_alternatives_count_once(tmp_path: Path) -> None:
    """Two rates are tuned by seed 0; of their two runs of seed 1 one will be done."""
    grid = experiment(
        tasks={"copy": {"task": "copy_memory", "lag": 5, "symbols": 1}},
        models={"simple_rnn": {"units": 8}},
        training={"steps": 20, "evaluate_every": 10, "learning_rate": [0.001, 0.01]},
        seeds=2,
        select={"seeds": [0]},
    )
    tuning = [spec for spec in grid.runs if spec.seed == 0]
    location = new_store(tmp_path)
    with Tracker(location, grid) as tracker, Leases(tmp_path / "leases") as leases:
        for event in [*whole_run(tuning[0]), started(tuning[1])]:
            tracker.write(event)
        assert leases.claim(tuning[1].signature)
        seen = status.look(grid, location, leases)
    assert [one.spec for one in seen.running] == [tuning[1]]
    # One took 1.5 s: the second is to come, and then one of the other two.
    assert seen.seconds_left == pytest.approx(2 * 1.5)
