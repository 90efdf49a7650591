"""Where results are kept: a directory with an SQLite database, or any MLflow tracking server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rnnbench.errors import UserError
from rnnbench.text.credentials import masked_address, user_and_password
from rnnbench.tracking.database import USUAL_NAME, Database
from rnnbench.tracking.reader import Reader
from rnnbench.tracking.server import Server
from rnnbench.tracking.server_reader import ServerReader
from rnnbench.tracking.sqlite_reader import SQLiteReader
from rnnbench.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULT_DIRECTORY = "store"


@dataclass(frozen=True)
class Location:
    """A store and its reader. Whether that is a local database or a server is decided here, by `resolve`."""

    store: Store
    reader: Reader

    @classmethod
    def resolve(cls, store: Path | None = None, tracking_uri: str | None = None) -> Location:
        """The store that the user means. Nothing is touched.

        It is `tracking_uri`, else the directory `store`, else the environment variable `MLFLOW_TRACKING_URI`, else the
        directory `store` in the working directory. Raises `UserError` for an address of another kind.
        """
        if tracking_uri is None and store is None:
            tracking_uri = os.environ.get("MLFLOW_TRACKING_URI")
        if not tracking_uri:
            if str(store).lower().startswith(("http:/", "https:/", "sqlite:/")):
                raise UserError(f"--store {masked_address(str(store))}: a directory is expected; use --tracking-uri")
            return cls._local(Path(store or DEFAULT_DIRECTORY) / USUAL_NAME)
        tracking_uri = tracking_uri.strip()
        scheme = tracking_uri.partition("://")[0].lower()
        if scheme == "sqlite" and tracking_uri[len(scheme) :].startswith(":///"):
            return cls._local(Path(tracking_uri[len("sqlite:///") :]))
        if scheme not in ("http", "https") or "://" not in tracking_uri:
            raise UserError(
                f"tracking URI '{masked_address(tracking_uri)}' is unknown: "
                "write http://HOST:PORT, sqlite:///FILE or --store DIR"
            )
        server = Server(_checked(tracking_uri))
        return cls(server, ServerReader(server))

    @classmethod
    def of_folders(cls, paths: Sequence[Path]) -> Location:
        """Folders of exported results, read together. Nothing is touched."""
        from rnnbench.tracking.portable.reader import Folder, FolderReader

        folders = [Folder(path) for path in paths]
        return cls(folders[0], FolderReader(folders))

    @classmethod
    def _local(cls, path: Path) -> Location:
        path = path.resolve()
        if set("?%") & set(str(path)):
            raise UserError(f"{path.parent}: the path of a store must not hold ? or %")
        database = Database(path)
        return cls(database, SQLiteReader(database))

    def __str__(self) -> str:
        return str(self.store)

    @property
    def uri(self) -> str:
        """For MLflow; it may hold a password."""
        return self.store.uri

    @property
    def database(self) -> Path | None:
        """The SQLite file, absolute; None for a server."""
        return self.store.path if isinstance(self.store, Database) else None

    @property
    def artifacts(self) -> Path | None:
        """Directory of the artifacts; None for a server."""
        return self.store.artifacts

    def check_readable(self) -> None:
        """Raise `UserError` unless there is a store that answers. Nothing is created."""
        self.store.check_readable()

    def check_writable(self) -> None:
        """Raise `UserError` unless runs can be written here; makes the directory of a local store, and nothing else."""
        self.store.check_writable()

    def client(self) -> MlflowClient:
        """MLflow's client; a local database is created if there is none yet."""
        return self.store.client()


def _checked(address: str) -> str:
    """The address of a server as MLflow's client takes it."""
    try:
        parts = urlsplit(address)
        # MLflow's client appends its paths to the address as it is.
        whole = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        whole = False
    if not whole:
        raise UserError(
            f"tracking URI '{masked_address(address)}' is invalid: write http://HOST:PORT/PATH, without ? or #; "
            "in a user name or a password write %40 for @, %2F for / and so on"
        )
    user_and_password(address)
    return parts.geturl().rstrip("/")
