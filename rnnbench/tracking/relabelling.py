"""Runs whose labels were changed in the experiment file get their new ones in MLflow too."""

from __future__ import annotations

from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.logged_model import relabel_models
from rnnbench.tracking.names import PICTURE_ARTIFACT, PROFILE_ARTIFACT
from rnnbench.tracking.notes import NOTE_TAG, label_tags, question, run_file
from rnnbench.tracking.profile_file import read_columns
from rnnbench.tracking.profile_picture import picture
from rnnbench.tracking.reader import StoredRun
from rnnbench.tracking.stored_experiment import StoredExperiment


def relabel(stored: StoredExperiment, spec: RunSpec, run: StoredRun, colour: str) -> None:
    """Give a stored run the labels of its spec, if it has others; `colour`: that of its model everywhere."""
    tags = _changed_tags(spec, run, colour)
    if not tags:
        return
    _relabel_files(stored, spec, run.run_id)
    # Last: they tell what is still to be done.
    stored.log(run.run_id, tags=tags)


def _changed_tags(spec: RunSpec, run: StoredRun, colour: str) -> dict[str, str]:
    """The tags of a stored run that the file now wants otherwise: its labels, name and colour, and with them its note.

    What a person added to the note stays. A parameter of MLflow cannot be changed: the views show the tags.
    """
    changed = {key: value for key, value in label_tags(spec, colour).items() if run.tags.get(key) != value}
    asked = question(run.tags.get("model", ""), run.tags.get("task", ""))
    note = run.tags.get(NOTE_TAG, "")
    if changed and note.startswith(asked):
        changed[NOTE_TAG] = question(spec.model_label, spec.task_label) + note.removeprefix(asked)
    return changed


def _relabel_files(stored: StoredExperiment, spec: RunSpec, run_id: str) -> None:
    """Replace the name of a run where its files hold it."""
    stored.client.log_dict(run_id, run_file(spec), "run.json")
    relabel_models(stored.client, stored.id, run_id, spec)
    file = stored.location.reader.artifact(stored.name, run_id, PROFILE_ARTIFACT)
    if file is not None:
        profile = {str(name): column.to_list() for name, column in read_columns(file).items()}
        stored.client.log_text(run_id, picture(spec.name, spec.task.lag, profile), PICTURE_ARTIFACT)
