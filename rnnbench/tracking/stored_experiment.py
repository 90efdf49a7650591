"""The MLflow experiment in which the runs of an experiment file are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.tracking.location import Location
from rnnbench.tracking.logged_model import forget_models
from rnnbench.tracking.names import ASKED_TAG
from rnnbench.tracking.notes import NOTE_TAG, experiment_note
from rnnbench.tracking.reader import StoredRun
from rnnbench.tracking.views import views

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunTag

_ASKED_LENGTH = 4000
"""Characters of the overrides that are remembered; MLflow takes 5000 in a tag."""


class StoredExperiment:
    """Opened, or made with its views and description, by the first use of its `id`; MLflow is imported then."""

    def __init__(self, location: Location, experiment: Experiment) -> None:
        self.location = location
        self.experiment = experiment
        self.name = experiment.name

    @cached_property
    def client(self) -> MlflowClient:
        return self.location.client()

    @cached_property
    def id(self) -> str:
        """Raises `UserError` if the experiment was deleted in MLflow."""
        experiment_id = self._open()
        for tag, view in views(self.experiment).items():
            self.client.set_experiment_tag(experiment_id, tag, view)
        self.remember()
        return experiment_id

    def remember(self) -> None:
        """Note the overrides of this `run`, for `--last` and hints, if the store knows the experiment; its first run
        does so otherwise."""
        known = self.location.reader.asked(self.name)
        if known is None:
            return
        now = list(self.experiment.overrides)
        noted = [*(earlier for earlier in known if earlier != now), now]
        while len(json.dumps(noted)) > _ASKED_LENGTH and len(noted) > 1:
            del noted[0]
        if noted != known:
            self.location.store.tag_experiment(self.name, ASKED_TAG, json.dumps(noted))

    def log(self, run_id: str, params: dict[str, str] | None = None, tags: dict[str, str] | None = None) -> None:
        """Write parameters and tags of a run."""
        from mlflow.entities import Param, RunTag

        entities: list[RunTag] = [RunTag(key, value) for key, value in (tags or {}).items()]
        self.client.log_batch(run_id, params=[Param(*item) for item in (params or {}).items()], tags=entities)

    def attempts(self, signature: str) -> list[StoredRun]:
        """The runs of one signature as the store has them now, the oldest first, without their metrics."""
        return self.location.reader.attempts(self.name, signature)

    def delete(self, runs: Iterable[StoredRun]) -> None:
        """Delete runs with their models (MLflow keeps deleted ones in its bin)."""
        for run in runs:
            self.client.delete_run(run.run_id)
            if self.experiment.log_model:
                forget_models(self.client, self.id, run.run_id)

    def _open(self) -> str:
        from mlflow.exceptions import MlflowException

        artifacts = self.location.artifacts
        place = None if artifacts is None else (artifacts / self.name).as_uri()
        found = self.client.get_experiment_by_name(self.name)
        if found is None:
            try:
                made = self.client.create_experiment(self.name, place)
                self.client.set_experiment_tag(made, NOTE_TAG, experiment_note(self.experiment, made))
                return made
            except MlflowException:
                found = self.client.get_experiment_by_name(self.name)  # Another driver was quicker.
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise UserError(
                f"{self.location}: experiment '{self.name}' was deleted in MLflow: restore it there, or choose another "
                "name"
            )
        return found.experiment_id
