"""A local store: an SQLite database of MLflow's, with its artifacts beside it."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.errors import UserError, unwritable
from rnnbench.tracking import upkeep
from rnnbench.tracking.client import open_client
from rnnbench.tracking.failures import translate_errors
from rnnbench.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

USUAL_NAME = "mlflow.db"
LOCKED_FOR = 5.0
"""Seconds to wait for another process to let go of the database."""


@dataclass(frozen=True)
class Database(Store):
    """A store in a directory of this machine."""

    path: Path
    """The SQLite file, absolute."""

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.path}"

    def __str__(self) -> str:
        return str(self.path.parent if self.path.name == USUAL_NAME else self.path)

    @property
    def artifacts(self) -> Path:
        return self.path.parent / "artifacts"

    @property
    def copy(self) -> Path:
        """Where `back_up` puts the copy of the database."""
        return self.path.with_name(f"{self.path.stem}.backup.db")

    @property
    def remedy(self) -> str:
        if not self.copy.exists():
            return super().remedy
        database = shlex.quote(str(self.path))
        # A journal that is left over would be played into the copy.
        return f"put its copy in place: cp {shlex.quote(str(self.copy))} {database} && rm -f {database}-journal"

    @property
    def is_missing(self) -> bool:
        """Whether the database has not been made yet."""
        return not self.path.exists()

    def check_readable(self) -> None:
        if self.is_missing:
            raise UserError(f"{self}: no runs yet: run `rnnbench run FILE` first")
        with self.connect() as connection:
            self._check_schema(connection)

    def check_writable(self) -> None:
        """Makes the directory, and nothing else."""
        directory = self.path.parent
        lock = directory / upkeep.LOCK
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if not (lock.exists() and os.access(directory, os.W_OK)):
                lock.open("ab").close()
        except OSError as error:
            raise UserError(f"{directory}: {unwritable(error)}; choose another --store") from None
        if self.is_missing:
            return
        with self.connect(mode="rw") as connection:
            self._check_schema(connection)
            # MLflow would retry a damaged database for two minutes.
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("malformed")
            # SQLite silently opens a read-only file.
            if not os.access(self.path, os.W_OK):
                raise sqlite3.OperationalError("readonly database")
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()

    @contextmanager
    def connect(self, mode: str = "ro") -> Iterator[sqlite3.Connection]:
        """A connection to the database itself, for what need not wait until MLflow is imported."""
        with translate_errors(self):
            self._roll_back()
            with closing(self._connect(mode)) as connection:
                yield connection

    def client(self) -> MlflowClient:
        with translate_errors(self):
            upkeep.create(self.path)
        self.relocate_artifacts()
        return open_client(self.uri)

    def tag_experiment(self, name: str, key: str, value: str) -> None:
        # In SQL, because MLflow takes 5 s to import and there may be nothing else to write.
        with self.connect(mode="rw") as connection:
            connection.execute(
                "INSERT OR REPLACE INTO experiment_tags (key, value, experiment_id) "
                "SELECT ?, ?, experiment_id FROM experiments WHERE name = ?",
                (key, value, name),
            )
            connection.commit()

    def back_up(self) -> None:
        with translate_errors(self), upkeep.alone(self.path.parent), self.connect() as source:
            upkeep.copy(source, self.copy)

    def relocate_artifacts(self) -> None:
        """Tell MLflow where the artifacts are, in case the directory was moved."""
        with self.connect(mode="rw") as connection:
            upkeep.relocate(connection, self.artifacts)

    def _roll_back(self) -> None:
        """Undo what a killed writer left half-done; a connection that only reads cannot."""
        if self.path.with_name(f"{self.path.name}-journal").exists():
            with suppress(sqlite3.OperationalError), closing(self._connect("rw")) as connection:
                connection.execute("SELECT 1 FROM sqlite_master")

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.as_uri()}?mode={mode}", uri=True, timeout=LOCKED_FOR)

    def _check_schema(self, connection: sqlite3.Connection) -> None:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"experiments", "runs", "metrics", "tags"} <= tables:
            raise UserError(f"{self}: the database is not MLflow's; move it away, or choose another --store")
