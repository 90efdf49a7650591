"""Where results are kept: a directory with an SQLite database, or any MLflow tracking server."""

from __future__ import annotations

import errno
import logging
import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rnnbench.datasets.location import ensure_home
from rnnbench.errors import UserError, require_posix_module, unwritable
from rnnbench.text.credentials import masked_address, scrubbed, user_and_password, without_credentials
from rnnbench.tracking import server

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULT_DIRECTORY = "store"
ANSWER_WITHIN = 8.0
"""Seconds that a server has to answer before it counts as not there."""
LOCKED_FOR = 5.0
"""Seconds to wait for another process to let go of the database."""


@dataclass(frozen=True)
class Location:
    """An MLflow tracking store."""

    uri: str = field(repr=False)
    """May hold a password; for people there are `str` and `address`."""
    database: Path | None = None
    """The SQLite file, absolute; None for a server. The artifacts lie beside it, in `artifacts/`."""

    @classmethod
    def resolve(cls, store: Path | None = None, tracking_uri: str | None = None) -> Location:
        """The store that was asked for: `tracking_uri`, else the directory `store`, else the environment variable
        `MLFLOW_TRACKING_URI`, else the directory `store` in the working directory. Nothing is touched.

        Raises `UserError` for an address of another kind.
        """
        if tracking_uri is None and store is None:
            tracking_uri = os.environ.get("MLFLOW_TRACKING_URI")
        if not tracking_uri:
            if str(store).lower().startswith(("http:/", "https:/", "sqlite:/")):
                raise UserError(f"--store {masked_address(str(store))}: a directory is expected; use --tracking-uri")
            return cls._local(Path(store or DEFAULT_DIRECTORY) / "mlflow.db")
        tracking_uri = tracking_uri.strip()
        scheme = tracking_uri.partition("://")[0].lower()
        if scheme == "sqlite" and tracking_uri[len(scheme) :].startswith(":///"):
            return cls._local(Path(tracking_uri[len("sqlite:///") :]))
        if scheme not in ("http", "https") or "://" not in tracking_uri:
            raise UserError(
                f"tracking URI '{masked_address(tracking_uri)}' is unknown: "
                "write http://HOST:PORT, sqlite:///FILE or --store DIR"
            )
        return cls(_checked(tracking_uri))

    @classmethod
    def _local(cls, database: Path) -> Location:
        database = database.resolve()
        if set("?%") & set(str(database)):
            raise UserError(f"{database.parent}: the path of a store must not hold ? or %")
        return cls(f"sqlite:///{database}", database)

    def __str__(self) -> str:
        if self.database is not None:
            return str(self.database.parent if self.database.name == "mlflow.db" else self.database)
        return without_credentials(self.uri)

    @property
    def address(self) -> str:
        """Of a server, for its pages and for people: without a password."""
        return without_credentials(self.uri)

    @property
    def artifacts(self) -> Path | None:
        """Directory of the artifacts, where the store is a local one."""
        return None if self.database is None else self.database.parent / "artifacts"

    @property
    def is_missing(self) -> bool:
        """Whether this is a local store that has not been made yet."""
        return self.database is not None and not self.database.exists()

    def check_readable(self) -> None:
        """Raise `UserError` unless there is a store that answers. Nothing is created."""
        if self.database is None:
            self._check_server()
        elif self.is_missing:
            raise UserError(f"{self}: no runs yet: run `rnnbench run FILE` first")
        else:
            with self.connect() as connection:
                _check_schema(connection, self)

    def check_writable(self) -> None:
        """Raise `UserError` unless runs can be written here; makes the directory, and nothing else."""
        if self.database is None:
            self._check_server()
            return
        directory = self.database.parent
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if not ((directory / ".lock").exists() and os.access(directory, os.W_OK)):
                (directory / ".lock").open("ab").close()
        except OSError as error:
            raise UserError(f"{directory}: {unwritable(error)}; choose another --store") from None
        if self.database.exists():
            with self.connect(mode="rw") as connection:
                _check_schema(connection, self)
                # MLflow would try a damaged one for two minutes.
                if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                    raise sqlite3.DatabaseError("malformed")
                # SQLite opens what it may only read without a word.
                if not os.access(self.database, os.W_OK):
                    raise sqlite3.OperationalError("readonly database")
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()

    @contextmanager
    def connect(self, mode: str = "ro") -> Iterator[sqlite3.Connection]:
        """A connection to the local database itself, for what need not wait 5 s until MLflow is imported."""
        assert self.database is not None
        with translate_errors(self):
            self._roll_back()
            with closing(self._connect(mode)) as connection:
                yield connection

    def _roll_back(self) -> None:
        """Undo what a killed writer left half-done: whoever only reads cannot."""
        assert self.database is not None
        if self.database.with_name(f"{self.database.name}-journal").exists():
            with suppress(sqlite3.OperationalError), closing(self._connect("rw")) as connection:
                connection.execute("SELECT 1 FROM sqlite_master")

    def _connect(self, mode: str) -> sqlite3.Connection:
        assert self.database is not None
        return sqlite3.connect(f"{self.database.as_uri()}?mode={mode}", uri=True, timeout=LOCKED_FOR)

    def client(self) -> MlflowClient:
        """A client, without MLflow's chatter; a local database is created if there is none yet."""
        silence_mlflow()
        from mlflow import MlflowClient

        if self.database is not None:
            with translate_errors(self):
                _create(self.database)
            self.relocate_artifacts()
        # What it would log as an error it raises too.
        logging.getLogger("mlflow").setLevel(logging.CRITICAL)
        return MlflowClient(tracking_uri=self.uri)

    @property
    def copy(self) -> Path | None:
        """Where `back_up` puts the copy of a local database."""
        return None if self.database is None else self.database.with_name(f"{self.database.stem}.backup.db")

    def back_up(self) -> None:
        """Copy a local database beside itself, unless it is damaged; the last copy stands until the new one is whole.

        Does nothing on a server.
        """
        if self.database is None or self.copy is None:
            return
        new = self.database.with_name(f".{self.copy.name}.new")
        with translate_errors(self), _alone(self.database.parent), self.connect() as source:
            new.unlink(missing_ok=True)
            with closing(sqlite3.connect(new)) as target:
                source.backup(target)
                whole = target.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            if whole:
                new.rename(self.copy)

    def relocate_artifacts(self) -> None:
        """Tell MLflow, which keeps absolute places, where our artifacts are after the store directory was moved."""
        assert self.artifacts is not None
        with self.connect(mode="rw") as connection:
            known = connection.execute("SELECT experiment_id, name, artifact_location FROM experiments").fetchall()
            for experiment, name, old in known:
                new = (self.artifacts / name).as_uri()
                if old != new and old.endswith(f"/artifacts/{Path(new).name}"):
                    connection.execute(
                        "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE experiment_id = ?",
                        (new, len(old) + 1, experiment),
                    )
                    connection.execute(
                        "UPDATE logged_models SET artifact_location = ? || substr(artifact_location, ?) "
                        "WHERE experiment_id = ?",
                        (new, len(old) + 1, experiment),
                    )
                    connection.execute(
                        "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (new, experiment)
                    )
            connection.commit()

    def _check_server(self) -> None:
        try:
            server.check(self.uri, ANSWER_WITHIN)
        except (OSError, ValueError) as error:
            raise UserError(f"MLflow server {self} does not answer: {server.reason(error)}") from None


def _checked(address: str) -> str:
    """The address of a server as MLflow's client takes it."""
    try:
        parts = urlsplit(address)
        # MLflow's client sets its paths behind the address as it is.
        whole = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        whole = False
    if not whole:
        raise UserError(
            f"tracking URI '{masked_address(address)}' is none: write http://HOST:PORT/PATH, without ? or #; "
            "in a user name or a password write %40 for @, %2F for / and so on"
        )
    user_and_password(address)
    return parts.geturl().rstrip("/")


def silence_mlflow() -> None:
    """Settings that MLflow reads from the environment; what the user has set stands."""
    ensure_home()
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        # About half a minute: a server may be restarted while a run goes on.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.ERROR)


@contextmanager
def translate_errors(location: Location) -> Iterator[None]:
    """Turn what a store can raise into one line that names the store."""
    try:
        yield
    except Exception as error:
        if not _is_of_the_store(error):
            raise
        # What is not shown in the line is not shown in a traceback either.
        cause = None if "@" in location.uri else error
        raise UserError(f"{location}: {scrubbed(_in_words(error, location))}") from cause


def _in_words(error: Exception, location: Location) -> str:
    text = str(error).strip()
    if "database is locked" in text:
        return "the database is locked by another process; try again when that has ended"
    if "disk is full" in text:
        return unwritable(OSError(errno.ENOSPC, text))
    if isinstance(error, OSError) and error.errno is not None:
        return unwritable(error)
    if "not a database" in text or "malformed" in text:
        return f"the database is damaged, or none of MLflow's; {_remedy(location)}"
    if "readonly database" in text or "unable to open database" in text:
        return "the database cannot be written; choose another --store"
    return text.splitlines()[0] if text else type(error).__name__


def _remedy(location: Location) -> str:
    copy = location.copy
    if copy is None or not copy.exists():
        return "move it away, or choose another --store"
    database = shlex.quote(str(location.database))
    # A journal that is left over would be played into the copy.
    return f"put its copy in place: cp {shlex.quote(str(copy))} {database} && rm -f {database}-journal"


def _is_of_the_store(error: Exception) -> bool:
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    # By name, since neither library is imported where SQLite alone was asked; requests' errors are OSErrors.
    return isinstance(error, sqlite3.Error | OSError) or bool(
        kinds & {"mlflow.MlflowException", "sqlalchemy.SQLAlchemyError"}
    )


def _check_schema(connection: sqlite3.Connection, location: Location) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"experiments", "runs", "metrics", "tags"} <= tables:
        raise UserError(f"{location}: the database is none of MLflow's; move it away, or choose another --store")


def _create(database: Path) -> None:
    """Make an empty MLflow database. MLflow's own way is a race between processes, and a kill half-way leaves a wreck:
    so one at a time, and under another name until it is whole."""
    if database.exists():
        return
    with _alone(database.parent):
        if database.exists():
            return
        from mlflow import MlflowClient

        new = database.with_name(f".{database.name}.new")
        new.unlink(missing_ok=True)
        MlflowClient(tracking_uri=f"sqlite:///{new}").search_experiments(max_results=1)
        new.rename(database)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One process at a time, of whatever user, as far as the file system knows locks."""
    fcntl = require_posix_module("fcntl", "writing to a store")
    path = directory / ".lock"
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
