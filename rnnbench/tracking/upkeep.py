"""Making, copying and moving the database of a local store, all of them safe from a kill at any moment."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from rnnbench.errors import require_posix_module
from rnnbench.tracking.client import open_client

LOCK = ".lock"
"""File in the directory of a store that whoever makes or copies the database holds."""


def create(database: Path) -> None:
    """Make an empty MLflow database, unless there is one.

    MLflow's own way is a race between processes, and a kill half-way leaves a wreck. So this is done by one process at
    a time, and under another name until the database is whole.
    """
    if database.exists():
        return
    with alone(database.parent):
        if database.exists():
            return
        new = database.with_name(f".{database.name}.new")
        new.unlink(missing_ok=True)
        open_client(f"sqlite:///{new}").search_experiments(max_results=1)
        new.rename(database)


def copy(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database, unless it is damaged; an earlier copy stands until the new one is whole."""
    new = target.with_name(f".{target.name}.new")
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(new)) as connection:
        source.backup(connection)
        whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    if whole:
        new.rename(target)


def relocate(connection: sqlite3.Connection, artifacts: Path) -> None:
    """Tell MLflow, which keeps absolute paths, where our artifacts are after the directory of the store was moved."""
    known = connection.execute("SELECT experiment_id, name, artifact_location FROM experiments").fetchall()
    for experiment, name, old in known:
        new = (artifacts / name).as_uri()
        if old != new and old.endswith(f"/artifacts/{Path(new).name}"):
            for table, column in (("runs", "artifact_uri"), ("logged_models", "artifact_location")):
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE experiment_id = ?",
                    (new, len(old) + 1, experiment),
                )
            connection.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (new, experiment)
            )
    connection.commit()


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """One process at a time, of whatever user, as far as the file system knows locks."""
    fcntl = require_posix_module("fcntl", "writing to a store")
    path = directory / LOCK
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        lock = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
