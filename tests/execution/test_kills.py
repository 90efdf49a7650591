"""Real grids whose processes are killed at random moments end with the bits of one that nobody disturbed."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from drivers import GRID, Driver, assert_equal, undisturbed

from rnnbench import experiment_file, results
from rnnbench.store import Location


def kill_and_go_on(folder: Path, kills: int, seed: int, pause: float) -> tuple[int, list[psutil.Process]]:
    """Run the grid and kill its processes until `kills` are done; how many it took, and every worker there was."""
    rng, done, seen = random.Random(seed), 0, set()
    driver = Driver(folder, "--workers", "2")
    while True:
        if done < kills and not driver.is_over:
            if rng.random() < 0.8:
                driver.wait_until_it_works()
            time.sleep(rng.uniform(0, pause))
            workers = driver.workers()
            seen.update(workers)
            if rng.random() < 0.3 or not workers:
                driver.process.send_signal(signal.SIGKILL)
                driver.end()
            else:
                rng.choice(workers).send_signal(signal.SIGKILL)
            done += not driver.is_over or driver.process.returncode == -signal.SIGKILL
        if done >= kills or driver.is_over:
            code = driver.end()
            if code == 0:
                return done, list(seen)
            assert code in (1, -signal.SIGKILL), driver.said()
            driver = Driver(folder, "--workers", "2")


def results_csv(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "reports" / "grid" / "results.csv").drop(columns=["seconds", "run_id"])


@pytest.mark.slow
def test_a_grid_of_which_workers_and_the_parent_are_killed(tmp_path):
    (tmp_path / "grid.yaml").write_text(GRID % (1, 300))
    kills, workers = kill_and_go_on(tmp_path, 3, seed=1, pause=3)
    assert kills == 3
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert_equal(tmp_path, undisturbed(tmp_path))


@pytest.mark.slow
def test_a_grid_that_is_killed_thirty_times(tmp_path):
    (tmp_path / "grid.yaml").write_text(GRID % (2, 3000))
    kills, workers = kill_and_go_on(tmp_path, 32, seed=2, pause=8)
    assert kills >= 30
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    calm = tmp_path / "calm"
    calm.mkdir()
    (calm / "grid.yaml").write_text(GRID % (2, 3000))
    assert Driver(calm, "--workers", "2").end() == 0
    experiment = experiment_file.load(calm / "grid.yaml", [])
    assert_equal(tmp_path, results.load(Location.resolve(calm / "store"), experiment))
    pd.testing.assert_frame_equal(results_csv(tmp_path), results_csv(calm), check_exact=True)
