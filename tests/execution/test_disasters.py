"""A store that breaks while a grid runs: one clear line, and what was finished stays so."""

import contextlib
import os
import subprocess

import pytest

from rnnbench.errors import UserError
from rnnbench.events import Ending
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.driver import drive
from rnnbench.execution.leases import Leases
from rnnbench.execution.local import LocalPool
from rnnbench.grid.workspace import to_do
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from tests.event_streams import new_store
from tests.execution import stub_runs

GRID = stub_runs.experiment(6, steps=30)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@contextlib.contextmanager
def read_only(directory):
    """A directory in which nothing can be changed, not even by root."""
    paths = [directory, directory / "mlflow.db", directory / "checkpoints" / "stub", directory / "leases" / "stub"]
    lock, unlock = (["chattr", "+i"], ["chattr", "-i"]) if os.getuid() == 0 else (["chmod", "a-w"], ["chmod", "u+w"])
    if subprocess.run([*lock, *paths], capture_output=True).returncode:
        pytest.skip("cannot make a directory read-only")
    try:
        yield
    finally:
        subprocess.run([*unlock, *paths], check=True)


def run(directory, disaster=None):
    """As `rnnbench run` does it; `disaster` happens after the second ending. What was to do, and how it went."""
    location, ended = Location.resolve(directory), []

    def watch(spec, event):
        if isinstance(event, Ending):
            ended.append(spec.signature)
            if disaster and len(ended) == 2:
                disaster()

    checkpoints, leases = Checkpoints(directory / "checkpoints" / "stub"), Leases(directory / "leases" / "stub")
    with Tracker(location, GRID) as tracker, leases:
        specs = to_do(GRID, tracker, leases, checkpoints)
        pool = LocalPool(2, checkpoints, stub_runs.counted)
        return specs, drive(specs, pool, tracker, watch, leases=leases, checkpoints=checkpoints)


def assert_it_goes_on(directory):
    """Only what was not finished is done, and then all is there."""
    specs, tally = run(directory)
    assert len(specs) <= len(GRID.runs) - 2
    assert tally.finished == len(specs)
    assert run(directory)[0] == []


def test_a_full_disk(small_disk):
    new_store(small_disk)
    filler = small_disk / "filler"

    def fill():
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass

    with pytest.raises(
        UserError, match=r"no space left on its disk; make room, and go on with the same command"
    ) as told:
        run(small_disk, fill)
    assert "\n" not in str(told.value)
    filler.unlink()
    assert_it_goes_on(small_disk)


def test_a_store_that_becomes_read_only(tmp_path):
    store = tmp_path / "store"
    new_store(store)
    with contextlib.ExitStack() as stack:
        with pytest.raises(UserError, match=r"cannot be written") as told:
            run(store, lambda: stack.enter_context(read_only(store)))
        assert "\n" not in str(told.value)
    assert_it_goes_on(store)


def test_a_truncated_database(tmp_path):
    location = new_store(tmp_path)
    database, finished = tmp_path / "mlflow.db", set()

    def truncate():
        finished.update(key for key, status in location.reader.statuses("stub").items() if status == "finished")
        os.truncate(database, database.stat().st_size // 2)

    with pytest.raises(UserError, match=r"the database is damaged") as told:
        run(tmp_path, truncate)
    assert "\n" not in str(told.value)
    with pytest.raises(UserError, match=r"the database is damaged"):
        run(tmp_path)
    remedy = str(told.value).partition("put its copy in place: ")[2]
    assert remedy.startswith(f"cp {tmp_path}/mlflow.backup.db {database}")
    subprocess.run(remedy, shell=True, check=True)
    # What was finished after the copy was made has its checkpoint still.
    checkpoints = Checkpoints(tmp_path / "checkpoints" / "stub")
    assert len(finished) == 2
    for signature in finished:
        assert location.reader.statuses("stub").get(signature) == "finished" or checkpoints.load(signature) is not None
    specs, tally = run(tmp_path)
    assert tally.finished == len(specs)
    assert set(location.reader.statuses("stub").values()) == {"finished"}
