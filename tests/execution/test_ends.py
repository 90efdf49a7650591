"""How a real `rnnbench run` ends: by Ctrl-C, by SIGTERM, beside another one."""

import os
import re
import signal
import subprocess
import sys

import psutil
import pytest
from drivers import GRID, ROOT, Driver, assert_equal, undisturbed, wait_for

from rnnbench import experiment_file
from rnnbench.store import Location
from rnnbench.stored import statuses, stored_runs


def stored(folder):
    return sorted(statuses(Location.resolve(folder / "store"), "grid").values())


def shown(folder, *arguments):
    command = [sys.executable, "-m", "rnnbench", "status", "grid.yaml", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_stopped_by_ctrl_c_by_sigterm_and_at_once_it_goes_on_where_it_was(tmp_path):
    (tmp_path / "grid.yaml").write_text(re.sub("  gru: .*\n", "", GRID % (1, 3000)).replace("lag: [3, 6]", "lag: 3"))

    def start():
        driver = Driver(tmp_path, "--workers", "1")
        driver.wait_until_it_works()
        wait_for(lambda: "running" in stored(tmp_path))  # And it is not between two runs.
        workers = driver.workers()
        assert len(workers) == 1
        return driver, workers

    # A terminal sends Ctrl-C to all processes in it.
    driver, workers = start()
    wait_for(lambda: re.search(r"copy_memory +[\d,]+ +3,000 +accuracy [\d.]+", shown(tmp_path)))
    os.killpg(driver.process.pid, signal.SIGINT)
    assert driver.end(60) == 130
    assert "stopping: each run leaves a checkpoint" in driver.said()
    assert "rnnbench run grid.yaml" in driver.said()
    assert "Traceback" not in driver.said()
    assert "interrupted" in stored(tmp_path)
    assert "running" not in stored(tmp_path)
    assert list((tmp_path / "store" / "checkpoints" / "grid").glob("*.checkpoint"))
    assert psutil.wait_procs(workers, timeout=5)[1] == []

    driver, workers = start()
    os.killpg(driver.process.pid, signal.SIGTERM)
    assert driver.end(60) == 143
    assert "rnnbench run grid.yaml" in driver.said()
    assert psutil.wait_procs(workers, timeout=5)[1] == []

    driver, workers = start()
    os.killpg(driver.process.pid, signal.SIGINT)
    wait_for(lambda: "stopping" in driver.said())  # Two that come together are one to the system.
    os.killpg(driver.process.pid, signal.SIGINT)
    assert driver.end(30) == 130
    assert "rnnbench run grid.yaml" in driver.said()
    assert "Traceback" not in driver.said()
    assert psutil.wait_procs(workers, timeout=5)[1] == []

    # Killed: the store says that it runs, but nobody holds it.
    driver, workers = start()
    driver.process.send_signal(signal.SIGKILL)
    driver.end()
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert "running" in stored(tmp_path)
    assert "running" not in shown(tmp_path, "--follow")

    assert Driver(tmp_path, "--workers", "1").end() == 0
    assert_equal(tmp_path, undisturbed(tmp_path))


@pytest.mark.slow
def test_two_drivers_that_start_at_once_on_an_empty_store(tmp_path):
    """Both go on, and every run is done once."""
    (tmp_path / "grid.yaml").write_text(GRID % (1, 200))
    drivers = [Driver(tmp_path, "--workers", "1") for _ in range(2)]
    assert [driver.end() for driver in drivers] == [0, 0], [driver.said() for driver in drivers]
    done = [set(re.findall(r"\] (.*): ", driver.said())) for driver in drivers]
    assert not done[0] & done[1]
    names = {spec.name for spec in experiment_file.load(tmp_path / "grid.yaml", []).runs}
    assert {name.partition(":")[0] for name in done[0] | done[1]} == names
    assert stored(tmp_path) == ["finished"] * 6
    assert len(stored_runs(Location.resolve(tmp_path / "store"), "grid")) == 6
    assert not any("Traceback" in driver.said() for driver in drivers)
