"""A report in MLflow: one more run of its experiment, with the files of the report as its artifacts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rnnbench.tracking.names import DIGEST_TAG, KIND_TAG, REPORT
from rnnbench.tracking.notes import NOTE_TAG, experiment_note, origin
from rnnbench.tracking.portable import manifest
from rnnbench.tracking.stored_experiment import StoredExperiment

_COLOUR = "#444444"


def log_report(stored: StoredExperiment, directory: Path, found: str) -> str:
    """Store a report in place of the last one, unless it is the same; its MLflow run id.

    `found`: what the report says in short, Markdown for the note of the experiment.
    """
    digest = _digest(directory, stored.experiment.description, found)
    earlier = stored.location.reader.runs(stored.name, kind=REPORT)
    if earlier and earlier[-1].tags.get(DIGEST_TAG) == digest:
        return earlier[-1].run_id
    run_id = stored.client.create_run(stored.id, run_name=REPORT, tags=_tags()).info.run_id
    for part in _parts(directory):
        if part.is_dir():
            stored.client.log_artifacts(run_id, str(part), part.name)
        else:
            stored.client.log_artifact(run_id, str(part))
    stored.client.set_terminated(run_id)
    stored.delete(earlier)
    note = experiment_note(stored.experiment, stored.id, run_id, found)
    stored.client.set_experiment_tag(stored.id, NOTE_TAG, note)
    # Last, so that a report that was broken off is stored again.
    stored.log(run_id, tags={DIGEST_TAG: digest})
    return run_id


def _tags() -> dict[str, str]:
    """The view of the results groups by `task`."""
    note = "The report of this experiment: open **report.html** under Artifacts, or one of its figures."
    return {KIND_TAG: REPORT, "task": REPORT, "mlflow.runColor": _COLOUR, NOTE_TAG: note, **origin()}


def _parts(directory: Path) -> list[Path]:
    """The files and folders of a report, but for the results that it was made of: they are in the store already."""
    return [part for part in sorted(directory.iterdir()) if not (part.is_dir() and manifest.find(part))]


def _digest(directory: Path, *words: str) -> str:
    """Of the files of a report, and of the words that are said about it."""
    digest = hashlib.sha256()
    files = [path for part in _parts(directory) for path in (part, *part.rglob("*")) if path.is_file()]
    for path in sorted(files):
        digest.update(f"{path.relative_to(directory).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    for text in words:
        digest.update(f"\0{text}".encode())
    return digest.hexdigest()
