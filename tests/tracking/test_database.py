"""A local store: damaged, locked, moved, shared, and made by two processes at once."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rnnbench.errors import UserError
from rnnbench.grid import results
from rnnbench.tracking import database
from rnnbench.tracking.location import Location
from tests.event_streams import experiment, new_store, whole_run, write
from tests.other_user import as_user, only_root, shared_folder


def message(caught: pytest.ExceptionInfo[UserError]) -> str:
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written: Not a directory; choose another --store") as caught:
        Location.resolve(tmp_path / "file" / "store").check_writable()
    message(caught)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written: Permission denied"):
        Location.resolve(tmp_path).check_writable()


@pytest.mark.parametrize("check", [Location.check_readable, Location.check_writable])
def test_what_is_no_mlflow_database_is_told_and_left_alone(tmp_path: Path, check) -> None:
    location = Location.resolve(tmp_path)
    database = tmp_path / "mlflow.db"
    database.write_bytes(b"no database at all" * 1000)
    with pytest.raises(UserError, match="the database is damaged, or is not MLflow's; move it away") as caught:
        check(location)
    message(caught)
    assert database.read_bytes() == b"no database at all" * 1000

    database.unlink()
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE songs (title)")
    other.close()
    with pytest.raises(UserError, match="the database is not MLflow's"):
        check(location)


def test_a_truncated_database_is_told(tmp_path: Path) -> None:
    location = new_store(tmp_path)
    database = tmp_path / "mlflow.db"
    os.truncate(database, database.stat().st_size // 2)
    with pytest.raises(UserError, match="damaged"):
        location.check_writable()


def test_what_a_killed_writer_left_half_done_is_undone_by_whoever_reads(tmp_path: Path) -> None:
    """A transaction that was cut off after some of its pages had reached the file."""
    location, killed = new_store(tmp_path / "store"), tmp_path / "killed"
    first = experiment().runs[0]
    write(location, experiment(), *whole_run(first))
    killed.mkdir()
    with closing(sqlite3.connect(tmp_path / "store" / "mlflow.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("BEGIN")
        connection.execute("UPDATE tags SET value = 'x' || value")
        connection.execute("CREATE TABLE large AS SELECT randomblob(1000000)")
        for name in ("mlflow.db", "mlflow.db-journal"):
            shutil.copy(tmp_path / "store" / name, killed)
    assert Location.resolve(killed).reader.statuses(experiment().name) == {first.signature: "finished"}


def test_a_locked_database_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = new_store(tmp_path)
    monkeypatch.setattr(database, "LOCKED_FOR", 0.1)
    holder = sqlite3.connect(tmp_path / "mlflow.db")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UserError, match="locked by another process"):
        location.check_writable()
    holder.close()
    location.check_writable()


def test_reading_a_store_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    location = Location.resolve(tmp_path / "none")
    with pytest.raises(UserError, match="no runs yet: run `rnnbench run FILE` first") as caught:
        location.check_readable()
    message(caught)
    with pytest.raises(UserError, match="no runs of 'carry' yet"):
        results.load(location, experiment())
    assert not (tmp_path / "none").exists()


def test_two_processes_make_a_store_at_once(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from tests.event_streams import experiment, whole_run, write
from rnnbench.tracking.location import Location
grid = experiment()
write(Location.resolve(Path(sys.argv[1])), grid, *whole_run(grid.runs[int(sys.argv[2])]))
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, tmp_path, str(number)],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in (0, 1)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert said == ["", ""]
    grid = experiment()
    assert Location.resolve(tmp_path).reader.statuses("carry") == {run.signature: "finished" for run in grid.runs[:2]}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "artifacts", "mlflow.db"]


def test_a_store_that_was_moved_is_read_and_written_in_its_new_place(tmp_path: Path) -> None:
    grid = experiment()
    write(new_store(tmp_path / "old place"), grid, *whole_run(grid.runs[0]))
    shutil.move(tmp_path / "old place", tmp_path / "new place")
    location = Location.resolve(tmp_path / "new place")
    write(location, grid, *whole_run(grid.runs[1]))
    assert not (tmp_path / "old place").exists()
    loaded = results.load(location, grid)
    assert len(loaded.runs) == 2
    assert loaded.profiles["signature"].nunique() == 2
    client = location.client()
    listed = [file.path for file in client.list_artifacts(loaded.runs["run_id"][0])]
    assert listed == ["gradient_profile.parquet", "gradient_profile.svg", "run.json"]


@only_root
def test_a_store_that_a_group_shares_is_written_by_the_next_user() -> None:
    """The lock alone has the rights of a strict umask."""
    with shared_folder() as folder:
        location = new_store(folder)
        (folder / "mlflow.db").chmod(0o666)
        location.store.back_up()
        (folder / ".lock").chmod(0o644)
        assert as_user(20002, lambda: (location.check_writable(), location.store.back_up())) == "(None, None)"
        assert (folder / "mlflow.backup.db").stat().st_uid == 20002
        (folder / "mlflow.db").chmod(0o644)
        assert "the database cannot be written; choose another --store" in as_user(20002, location.check_writable)
