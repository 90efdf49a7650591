"""The network that a run kept, found again by the run's name or id."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.models.base import Model
from rnnbench.tasks.base import Task
from rnnbench.tracking.failures import translate_errors
from rnnbench.tracking.location import Location
from rnnbench.tracking.logged_model import models_of
from rnnbench.tracking.names import KIND_TAG
from rnnbench.tracking.past import settings_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_MOST_NAMED = 5


class KeptModel(NamedTuple):
    """A run's task and model, and what Keras saved of the network."""

    task: Task
    model: Model
    file: bytes
    """Contents of a `.keras` file."""


def kept_model(location: Location, named: str) -> KeptModel:
    """The network of the run of this MLflow id or name.

    Raises `UserError` where the store has no such run, or several, or the run kept no network.
    """
    location.check_readable()
    with translate_errors(location.store):
        client = location.client()
        run = _found(client, named, location)
        models = models_of(client, run.info.experiment_id, run.info.run_id)
        if not models:
            raise UserError(f"run '{named}' kept no model: run its experiment with `--set log_model=best --fresh`")
        file = _read(f"{models[-1].artifact_location}/data/model.keras", location)
    parameters = dict(run.data.params)
    try:
        task = settings_of(registry.tasks[parameters["task_name"]], "task", parameters)
        model = settings_of(registry.models[parameters["model_name"]], "model", parameters)
    except (KeyError, ValueError, ValidationError):
        raise UserError(
            f"run '{named}' is of a task or a model that is not registered, or of another version of rnnbench; "
            "plug-ins are given by --plugins"
        ) from None
    return KeptModel(task, model, file)


def _found(client: MlflowClient, named: str, location: Location) -> Run:
    experiments = [one.experiment_id for one in client.search_experiments()]
    found: list[Run] = []
    # A name may hold quotes, of which MLflow takes one kind.
    for chosen in (f"attributes.run_id = '{named}'", f"attributes.run_name = '{named}'") if "'" not in named else ():
        found += [run for run in client.search_runs(experiments, chosen) if run.data.tags.get(KIND_TAG) == "run"]
    if not found:
        raise UserError(f"{location}: there is no run '{named}'; give the name or the id of one, as MLflow shows it")
    if len(found) > 1:
        ids = [run.info.run_id for run in found]
        shown = ", ".join([*ids[:_MOST_NAMED], *(["..."] if len(ids) > _MOST_NAMED else [])])
        raise UserError(f"{location}: {len(ids)} runs are called '{named}'; give the id of one: {shown}")
    return found[0]


def _read(address: str, location: Location) -> bytes:
    from mlflow.artifacts import download_artifacts

    with tempfile.TemporaryDirectory() as folder:
        kept = download_artifacts(artifact_uri=address, dst_path=folder, tracking_uri=location.uri)
        return Path(kept).read_bytes()
