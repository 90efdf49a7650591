"""Real grids whose processes are killed at random moments end with the bits of one that nobody disturbed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from rnnbench import experiment_file, results
from rnnbench.execution.driver import drive
from rnnbench.execution.in_process import InProcess
from rnnbench.store import Location
from rnnbench.stored import stored_runs
from rnnbench.tracking import Tracker

ROOT = Path(__file__).parents[2]
GRID = """\
name: grid
tasks:
  copy_memory: {lag: [3, 6], symbols: 1, examples: 100}
models:
  simple_rnn: {units: 8}
  lstm: {units: 8}
  gru: {units: 8, learning_rate: 0.01}
seeds: %d
training: {steps: %d, batch_size: 16, evaluate_every: 20, stop_when_solved: false}
gradients: {examples: 8, during: 1}
"""
LONG = 900
"""Seconds after which a test gives up."""


class Driver:
    """One `rnnbench run` in a session of its own, with what it has said."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder, self.log = folder, folder / f"log-{time.monotonic_ns()}"
        self.began = time.time()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rnnbench", "run", "grid.yaml", "--workers", "2", *arguments],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_over(self) -> bool:
        return self.process.poll() is not None

    def workers(self) -> list[psutil.Process]:
        try:
            children = psutil.Process(self.process.pid).children(recursive=True)
            return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        except psutil.Error:
            return []

    def works(self) -> bool:
        """Whether one of its runs has left a checkpoint or come to its end."""
        files = (self.folder / "store" / "checkpoints").rglob("*.checkpoint")
        return b"[" in self.log.read_bytes() or any(_changed(file) > self.began for file in files)

    def end(self, within: float = LONG) -> int:
        return self.process.wait(within)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def wait_for(condition, within: float = 120.0) -> None:
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.02)


def undisturbed(folder: Path) -> results.Results:
    """The grid in this process, one run after the other, without a checkpoint."""
    experiment = experiment_file.load(folder / "grid.yaml", [])
    location = Location.resolve(folder / "undisturbed")
    with Tracker(location, experiment) as tracker:
        tally = drive(list(experiment.runs), InProcess(), tracker, lambda *_: None)
    assert tally.finished + tally.diverged == len(experiment.runs)
    return results.load(location, experiment)


def kill_and_go_on(folder: Path, kills: int, seed: int, parents: float = 0.3) -> tuple[int, list[psutil.Process]]:
    """Run the grid and kill its processes until `kills` are done; how many it took, and every worker there was."""
    rng, done, seen = random.Random(seed), 0, set()
    driver = Driver(folder)
    while True:
        if done < kills and not driver.is_over:
            if rng.random() < 0.8:
                wait_for(lambda: driver.works() or driver.is_over)
            time.sleep(rng.uniform(0, 3))
            workers = driver.workers()
            seen.update(workers)
            if rng.random() < parents or not workers:
                driver.process.send_signal(signal.SIGKILL)
                driver.end()
            else:
                rng.choice(workers).send_signal(signal.SIGKILL)
            done += not driver.is_over or driver.process.returncode == -signal.SIGKILL
        if done >= kills or driver.is_over:
            code = driver.end()
            if code == 0:
                return done, list(seen)
            assert code in (1, -signal.SIGKILL), driver.log.read_text()
            driver = Driver(folder)


def assert_equal(folder: Path, expected: results.Results) -> None:
    """Nothing is lost, nothing is there twice, every number has the same bits."""
    experiment = experiment_file.load(folder / "grid.yaml", [])
    location = Location.resolve(folder / "store")
    found = results.load(location, experiment)
    assert len(stored_runs(location, experiment.name)) == len(experiment.runs)
    passing = ["seconds", "run_id"]
    pd.testing.assert_frame_equal(
        found.runs.drop(columns=passing), expected.runs.drop(columns=passing), check_exact=True
    )
    for name in ("history", "profiles", "levels"):
        tables = []
        for table in (getattr(found, name), getattr(expected, name)):
            tables.append(table.sort_values(list(table.columns)).reset_index(drop=True))
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    with sqlite3.connect(location.database) as connection:
        twice = "SELECT COUNT(*) FROM (SELECT 1 FROM metrics GROUP BY run_uuid, key, step HAVING COUNT(*) > 1)"
        assert connection.execute(twice).fetchone() == (0,)
    assert not list((folder / "store" / "checkpoints").rglob("*.checkpoint"))
    assert not list((folder / "store" / "leases").rglob("[!.]*/*"))


def results_csv(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "reports" / "grid" / "results.csv").drop(columns="seconds")


def test_a_grid_of_which_workers_and_the_parent_are_killed(tmp_path):
    (tmp_path / "grid.yaml").write_text(GRID % (1, 300))
    kills, workers = kill_and_go_on(tmp_path, 3, seed=1)
    assert kills == 3
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert_equal(tmp_path, undisturbed(tmp_path))


@pytest.mark.slow
def test_a_grid_that_is_killed_thirty_times(tmp_path):
    (tmp_path / "grid.yaml").write_text(GRID % (2, 1500))
    kills, workers = kill_and_go_on(tmp_path, 32, seed=2)
    assert kills >= 30
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert_equal(tmp_path, undisturbed(tmp_path))
    calm = tmp_path / "calm"
    calm.mkdir()
    (calm / "grid.yaml").write_text(GRID % (2, 1500))
    assert Driver(calm).end() == 0
    pd.testing.assert_frame_equal(results_csv(tmp_path), results_csv(calm), check_exact=True)
