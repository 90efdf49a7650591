"""MLflow's client, without its chatter. Importing MLflow takes 5 s, so it is imported by the first call."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rnnbench.datasets.location import ensure_home

if TYPE_CHECKING:
    from mlflow import MlflowClient


def open_client(uri: str) -> MlflowClient:
    """A client for a store that exists."""
    silence_mlflow()
    from mlflow import MlflowClient

    # What it would log as an error it also raises.
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    return MlflowClient(tracking_uri=uri)


def silence_mlflow() -> None:
    """Set what MLflow reads from the environment, except where the user has set it."""
    ensure_home()
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        # About half a minute: a server may be restarted in the middle of a run.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.ERROR)


def every_page(search: Callable[[str | None], Any]) -> list[Any]:
    """All that a search finds: `search` is given the token of a page, None for the first."""
    page = search(None)
    found = list(page)
    while page.token:
        page = search(page.token)
        found += page
    return found
