"""Runs whose labels were changed in the experiment file get their new ones in MLflow too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.location import Location
from rnnbench.tracking.logged_model import relabel_models
from rnnbench.tracking.notes import NOTE_TAG, label_tags, question, run_file
from rnnbench.tracking.profile_picture import picture
from rnnbench.tracking.reader import PICTURE_ARTIFACT, PROFILE_ARTIFACT, StoredRun, artifact

if TYPE_CHECKING:
    from mlflow import MlflowClient


def changed_tags(spec: RunSpec, run: StoredRun, colour: str) -> dict[str, str]:
    """The tags of a stored run that the file now says otherwise: its labels, name and colour, and its note with them.

    What a person added to the note stays. A parameter of MLflow cannot be changed: the views show the tags.
    """
    changed = {key: value for key, value in label_tags(spec, colour).items() if run.tags.get(key) != value}
    asked = question(run.tags.get("model", ""), run.tags.get("task", ""))
    note = run.tags.get(NOTE_TAG, "")
    if changed and note.startswith(asked):
        changed[NOTE_TAG] = question(spec.model_label, spec.task_label) + note.removeprefix(asked)
    return changed


def relabel_files(
    client: MlflowClient, location: Location, experiment: tuple[str, str], spec: RunSpec, run_id: str
) -> None:
    """Write the name of a run anew where its files hold it; `experiment`: name and id."""
    client.log_dict(run_id, run_file(spec), "run.json")
    relabel_models(client, experiment[1], run_id, spec)
    stored = artifact(location, experiment[0], run_id, PROFILE_ARTIFACT)
    if stored is not None:
        from rnnbench.analysis.results import read_profile

        profile = {str(name): column.to_list() for name, column in read_profile(stored).items()}
        client.log_text(run_id, picture(spec.name, spec.task.lag, profile), PICTURE_ARTIFACT)
