"""Real grids whose processes are killed at random moments end with the bits of one that nobody disturbed."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from rnnbench.experiment import yaml_file
from rnnbench.grid import results
from rnnbench.tracking.location import Location
from tests.execution.drivers import Driver, assert_equal, undisturbed, write_grid, write_shapes

PACE = 0.03
"""Seconds a step: even on a quick machine there is something left to kill."""


def kill_and_go_on(folder: Path, kills: int, seed: int, pause: float) -> list[psutil.Process]:
    """Run the grid, slowly until `kills` of its processes are killed, at last the parent; every worker there was."""
    rng, done, seen = random.Random(seed), 0, set()
    driver = Driver(folder, "--workers", "2", pace=PACE)
    while done < kills:
        # Most kills hit runs that have something to lose, some the start of the driver or of a worker.
        if rng.random() < 0.8:
            driver.wait_until_it_works()
        time.sleep(rng.uniform(0, pause))
        assert not driver.is_over, driver.said()
        workers = driver.workers()
        seen.update(workers)
        last = done == kills - 1
        if last or rng.random() < 0.3 or not workers:
            driver.process.send_signal(signal.SIGKILL)
            driver.end()
            driver = Driver(folder, "--workers", "2", pace=0 if last else PACE)
        else:
            rng.choice(workers).send_signal(signal.SIGKILL)
        done += 1
    while (code := driver.end()) != 0:
        # Some run was killed as often as a driver bears in a row: the next one tries it again.
        assert code == 1, driver.said()
        driver = Driver(folder, "--workers", "2")
    return list(seen)


def results_csv(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / "reports" / "grid" / "results.csv")
    return table[[name for name in table if "seconds" not in name and name not in ("run_id", "started")]]


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 2])
def test_a_grid_of_which_workers_and_the_parent_are_killed(tmp_path, shards):
    write_grid(tmp_path, steps=200, shards=shards)
    workers = kill_and_go_on(tmp_path, 2, seed=1, pause=2)
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert_equal(tmp_path, undisturbed(tmp_path))


@pytest.mark.slow
def test_runs_of_every_shape_are_killed(tmp_path):
    write_shapes(tmp_path)
    workers = kill_and_go_on(tmp_path, 3, seed=3, pause=4)
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert_equal(tmp_path, undisturbed(tmp_path))


@pytest.mark.slow
def test_a_grid_that_is_killed_thirty_times(tmp_path):
    write_grid(tmp_path, seeds=2, steps=3000)
    workers = kill_and_go_on(tmp_path, 32, seed=2, pause=8)
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    calm = tmp_path / "calm"
    calm.mkdir()
    write_grid(calm, seeds=2, steps=3000)
    assert Driver(calm, "--workers", "2").end() == 0
    experiment = yaml_file.load(calm / "grid.yaml", [])
    assert_equal(tmp_path, results.load(Location.resolve(calm / "store"), experiment))
    pd.testing.assert_frame_equal(results_csv(tmp_path), results_csv(calm), check_exact=True)
