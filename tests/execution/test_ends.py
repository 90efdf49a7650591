"""How a real `rnnbench run` ends: by Ctrl-C, by SIGTERM, killed, or next to another one."""

import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from rnnbench.experiment import yaml_file
from rnnbench.tracking.location import Location
from tests.execution.drivers import ROOT, Driver, assert_equal, undisturbed, wait_for, write_grid

PACE = 0.03


def stored(folder):
    location = Location.resolve(folder / "store")
    return sorted(location.reader.statuses("grid").values()) if location.database.exists() else []


def shown(folder, *arguments):
    command = [sys.executable, "-m", "rnnbench", "status", "grid.yaml", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True).stdout


def start(folder):
    """A driver in the middle of a run that has a checkpoint, and its worker."""
    driver = Driver(folder, "--workers", "1", pace=PACE)
    driver.wait_until_it_works()
    wait_for(lambda: "running" in stored(folder) or driver.is_over)  # It may be between two runs.
    (worker,) = driver.workers()
    return driver, worker


def assert_stopped_gracefully(folder, driver, worker, code):
    """It ended as it should, said how to resume, and left no process behind."""
    assert driver.end(60) == code
    assert "rnnbench run grid.yaml" in driver.said()
    assert "Traceback" not in driver.said()
    assert "interrupted" in stored(folder)
    assert "running" not in stored(folder)
    assert psutil.wait_procs([worker], timeout=5)[1] == []


@pytest.mark.slow
def test_it_resumes_after_ctrl_c_and_after_a_kill(tmp_path):
    write_grid(tmp_path)

    # A terminal sends Ctrl-C to all processes in it.
    driver, worker = start(tmp_path)
    wait_for(lambda: re.search(r"paced +[\d,]+ +400 +accuracy [\d.]+", shown(tmp_path)), every=2)
    os.killpg(driver.process.pid, signal.SIGINT)
    assert_stopped_gracefully(tmp_path, driver, worker, 130)
    assert "stopping: each run saves a checkpoint" in driver.said()
    assert list((tmp_path / "store" / "checkpoints" / "grid").glob("*.checkpoint"))

    # Killed: the store still says that it is running, but nobody holds it.
    driver, worker = start(tmp_path)
    driver.process.send_signal(signal.SIGKILL)
    driver.end()
    assert psutil.wait_procs([worker], timeout=5)[1] == []
    assert "running" in stored(tmp_path)
    assert "running" not in shown(tmp_path, "--follow")

    assert Driver(tmp_path, "--workers", "1").end() == 0
    assert_equal(tmp_path, undisturbed(tmp_path))


@pytest.mark.slow
def test_it_resumes_after_sigterm_and_after_a_second_ctrl_c(tmp_path):
    write_grid(tmp_path)

    driver, worker = start(tmp_path)
    os.killpg(driver.process.pid, signal.SIGTERM)
    assert_stopped_gracefully(tmp_path, driver, worker, 143)

    driver, worker = start(tmp_path)
    os.killpg(driver.process.pid, signal.SIGINT)
    wait_for(lambda: "stopping" in driver.said())  # Two pending signals of one kind are delivered once.
    os.killpg(driver.process.pid, signal.SIGINT)
    assert_stopped_gracefully(tmp_path, driver, worker, 130)

    assert Driver(tmp_path, "--workers", "1").end() == 0
    assert_equal(tmp_path, undisturbed(tmp_path))


@pytest.mark.slow
def test_two_drivers_that_start_at_once_on_an_empty_store(tmp_path):
    """Both work, and every run is done once."""
    write_grid(tmp_path, steps=100)
    drivers = [Driver(tmp_path, "--workers", "1", pace=0.02) for _ in range(2)]
    assert [driver.end() for driver in drivers] == [0, 0], [driver.said() for driver in drivers]
    done = [set(re.findall(r"\] (.*): ", driver.said())) for driver in drivers]
    assert not done[0] & done[1]
    names = {spec.name for spec in yaml_file.load(tmp_path / "grid.yaml", []).runs}
    assert {name.partition(":")[0] for name in done[0] | done[1]} == names
    assert stored(tmp_path) == ["finished"] * 6
    assert len(Location.resolve(tmp_path / "store").reader.runs("grid")) == 6
    assert not any("Traceback" in driver.said() for driver in drivers)
