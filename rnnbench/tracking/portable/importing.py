"""Exported results into a store, where they count as finished."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.experiment.definition import Experiment
from rnnbench.tracking.answers_files import TABLES_TAG, tables_tag, write_answers
from rnnbench.tracking.failures import translate_errors
from rnnbench.tracking.location import Location
from rnnbench.tracking.names import PICTURE_ARTIFACT, STATUS_TAG
from rnnbench.tracking.notes import NAME_TAG, NOTE_TAG
from rnnbench.tracking.portable.reader import FolderReader
from rnnbench.tracking.profile_file import write_examples, write_profile
from rnnbench.tracking.profile_picture import picture
from rnnbench.tracking.reader import StoredRun
from rnnbench.tracking.stored_experiment import StoredExperiment

if TYPE_CHECKING:
    from mlflow.entities import Metric

_DONE = ("finished", "diverged")
_AT_ONCE = 1000
"""Metrics that MLflow takes in one call."""


@dataclass
class Imported:
    """What became of the runs of an experiment."""

    taken: int = 0
    there: int = 0
    """The store had a result of them."""
    differing: int = 0
    """Of these, with another score."""
    other_version: int = 0
    """Of those taken, by another version of the code or on other data than here: `run` will do them again."""
    failed: int = 0
    """Failed there, and left out: `run` tries them again."""


def import_runs(
    reader: FolderReader, experiment: Experiment, location: Location, tell: Callable[[int, int], None]
) -> Imported:
    """Write the exported runs of an experiment into a store. `tell`: how many of how many are dealt with.

    A run that the store has ended stays as it is there; one that it has otherwise is replaced. Raises `UserError` if
    the store cannot be written.
    """
    location.check_writable()
    stored = StoredExperiment(location, experiment)
    there = location.reader.newest_runs(experiment.name)
    current = {spec.signature for spec in experiment.runs}
    found, runs = Imported(), reader.runs(experiment.name)
    with translate_errors(location.store):
        for at, run in enumerate(runs):
            tell(at, len(runs))
            earlier = there.get(run.signature)
            if run.status not in _DONE:
                found.failed += 1
            elif earlier is not None and earlier.status in _DONE:
                found.there += 1
                # As text, in which NaN equals NaN.
                found.differing += str(earlier.metrics.get("score")) != str(run.metrics.get("score"))
            else:
                _write(stored, reader, run)
                # Not before the new one is whole.
                stored.delete([earlier] if earlier is not None else [])
                found.taken += 1
                found.other_version += run.signature not in current
    return found


def _write(stored: StoredExperiment, reader: FolderReader, run: StoredRun) -> None:
    began = int(datetime.fromisoformat(run.started).replace(tzinfo=UTC).timestamp() * 1000)
    seconds = run.metrics.get("seconds", 0.0)
    tags = {key: value for key, value in run.tags.items() if key not in (STATUS_TAG, NOTE_TAG)}
    if answers := reader.answers(stored.name, run.run_id):
        tags[TABLES_TAG] = tables_tag(answers)
    client = stored.client
    made = client.create_run(stored.id, began, {**tags, STATUS_TAG: "running"}, run.tags.get(NAME_TAG)).info.run_id
    stored.log(made, params=run.parameters)
    for part in _parts(reader, run, began):
        client.log_batch(made, metrics=part)
    with tempfile.TemporaryDirectory() as folder:
        _write_files(Path(folder), stored, reader, run)
        client.log_artifacts(made, folder)
    client.log_dict(made, run.settings, "run.json")
    # Last: a run that says `finished` is whole. Its note names its own picture.
    note = run.tags.get(NOTE_TAG, "").replace(run.run_id, made)
    stored.log(made, tags={**({NOTE_TAG: note} if note else {}), STATUS_TAG: run.status})
    client.set_terminated(made, "FINISHED", began + int(1000 * seconds))


def _parts(reader: FolderReader, run: StoredRun, moment: int) -> Iterator[list[Metric]]:
    from mlflow.entities import Metric

    values = reader.values_of(run.run_id)
    metrics = [Metric(metric, value, moment, step) for metric, step, value in values]
    for first in range(0, len(metrics), _AT_ONCE):
        yield metrics[first : first + _AT_ONCE]


def _write_files(folder: Path, stored: StoredExperiment, reader: FolderReader, run: StoredRun) -> None:
    if scores := reader.test_scores(stored.name, run.run_id):
        write_examples(folder, scores)
    if answers := reader.answers(stored.name, run.run_id):
        write_answers(folder, answers)
    profile = reader.profile(stored.name, run.run_id)
    if profile is None:
        return
    columns = {str(name): column.to_list() for name, column in profile.items()}
    write_profile(folder, columns)
    drawn = picture(run.tags.get(NAME_TAG, ""), int(run.parameters.get("lag", 0)), columns)
    (folder / PICTURE_ARTIFACT).write_text(drawn, encoding="utf-8")
