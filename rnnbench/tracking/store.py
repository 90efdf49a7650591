"""An MLflow tracking store: what a local database and a server have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.tracking.client import open_client

if TYPE_CHECKING:
    from mlflow import MlflowClient


class Store(ABC):
    """Where MLflow keeps runs. Every method raises `UserError` if the store does not answer or is not MLflow's."""

    @property
    @abstractmethod
    def uri(self) -> str:
        """For MLflow. It may hold a password; for people there is `str`."""

    @abstractmethod
    def __str__(self) -> str:
        """For people: without a password."""

    @property
    def artifacts(self) -> Path | None:
        """Directory of the artifacts, where they lie in a directory of ours."""
        return None

    @property
    def remedy(self) -> str:
        """What helps if the store turns out to be damaged."""
        return "move it away, or choose another --store"

    @abstractmethod
    def check_readable(self) -> None:
        """Raise `UserError` unless there is a store that answers. Nothing is created."""

    @abstractmethod
    def check_writable(self) -> None:
        """Raise `UserError` unless runs can be written here."""

    def client(self) -> MlflowClient:
        """MLflow's client for this store, which is created if it can be and does not exist yet."""
        return open_client(self.uri)

    @abstractmethod
    def tag_experiment(self, name: str, key: str, value: str) -> None:
        """Set a tag of an experiment that exists."""

    @abstractmethod
    def back_up(self) -> None:
        """Copy the store beside itself, if it is a file of ours."""
