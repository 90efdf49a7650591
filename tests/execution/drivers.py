"""`rnnbench run` as real processes, and the same grid undisturbed to compare with."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pandas as pd
import psutil

from rnnbench.execution.driver import drive
from rnnbench.execution.in_process import InProcess
from rnnbench.experiment import yaml_file
from rnnbench.grid import results
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker

ROOT = Path(__file__).parents[2]
LONG = 900
"""Seconds after which a test gives up."""
_GRID = """\
name: grid
plugins: [{plugin}]
tasks:
  paced: {{lag: [3, 6], symbols: 1, examples: 100}}
models:
  simple_rnn: {{units: 8}}
  lstm: {{units: 8}}
  gru: {{units: 8, learning_rate: 0.01}}
seeds: {seeds}
training: {{steps: {steps}, batch_size: 16, evaluate_every: 20, stop_when_solved: false, implementation: stock,
  shards: {shards}}}
gradients: {{examples: 8}}
"""


_SHAPES = """\
name: grid
tasks:
  captioning: {lag: 5, source: synthetic}
  language_model: {lag: 5, source: synthetic}
  music: {lag: 5, source: synthetic}
  reversal: {lag: 5}
  transcription: {lag: 5, source: synthetic}
  translation: {lag: 5, source: synthetic}
  video: {lag: 5, source: synthetic}
models:
  gru: {units: 8}
seeds: 1
training: {steps: 400, batch_size: 16, evaluate_every: 20, stop_when_solved: false}
gradients: {examples: 8}
"""


def write_shapes(folder: Path) -> None:
    """Put a grid of one run for each shape of answers into `folder`."""
    (folder / "grid.yaml").write_text(_SHAPES)


def write_grid(folder: Path, seeds: int = 1, steps: int = 400, shards: int = 1) -> None:
    """Put a grid of six runs a seed into `folder`; drivers may slow them down."""
    plugin = ROOT / "tests" / "plugins" / "paced.py"
    (folder / "grid.yaml").write_text(_GRID.format(plugin=plugin, seeds=seeds, steps=steps, shards=shards))


class Driver:
    """One `rnnbench run` in a session of its own, with what it has said."""

    started: ClassVar[list[Driver]] = []

    def __init__(self, folder: Path, *arguments: str, pace: float = 0.0) -> None:
        """`pace`: seconds that each training step takes at least."""
        self.folder, self.log = folder, folder / f"log-{time.monotonic_ns()}"
        self.began = time.time()
        self.started.append(self)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rnnbench", "run", "grid.yaml", *arguments],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "RNNBENCH_TEST_PACE": str(pace)},
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

    def wait_until_it_works(self) -> None:
        wait_for(lambda: self.works() or self.is_over)

    def said(self) -> str:
        return self.log.read_text()

    def end(self, within: float = LONG) -> int:
        return self.process.wait(within)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def wait_for(condition, within: float = 600.0, every: float = 0.02) -> None:
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, "nothing came"
        time.sleep(every)


def undisturbed(folder: Path) -> results.Results:
    """The grid in this process, one run after the other, without a checkpoint."""
    experiment = yaml_file.load(folder / "grid.yaml", [])
    location = Location.resolve(folder / "undisturbed")
    with Tracker(location, experiment) as tracker:
        tally = drive(list(experiment.runs), InProcess(), tracker, lambda *_: None)
    assert tally.finished + tally.diverged == len(experiment.runs)
    return results.load(location, experiment)


def assert_equal(folder: Path, expected: results.Results) -> None:
    """Nothing is lost, nothing is there twice, every number has the same bits."""
    experiment = yaml_file.load(folder / "grid.yaml", [])
    location = Location.resolve(folder / "store")
    found = results.load(location, experiment)
    assert len(location.reader.runs(experiment.name)) == len(experiment.runs)
    passing = [name for name in found.runs if "seconds" in name or name in ("run_id", "started")]
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
