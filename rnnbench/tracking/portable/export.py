"""From a store, or from exported results, to a folder of results that travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.written_out import written_out
from rnnbench.showing.answers import allowed
from rnnbench.text.credentials import masked
from rnnbench.tracking.location import Location
from rnnbench.tracking.matching import matched
from rnnbench.tracking.notes import NAME_TAG, NOTE_TAG, parameters, run_file
from rnnbench.tracking.portable.manifest import Asked, write_manifest
from rnnbench.tracking.portable.tables import METRIC_COLUMNS, RUN_COLUMNS, Tables, packed, write_tables
from rnnbench.tracking.profile_file import PROFILE_COLUMNS
from rnnbench.tracking.reader import StoredRun

if TYPE_CHECKING:
    import pandas as pd

_ENDED = ("finished", "diverged", "failed")
_OF_MLFLOW = (NAME_TAG, NOTE_TAG, "mlflow.runColor", "mlflow.source.")
_TAGS = ("rnnbench.", "environment.", "task", "model", "source", *_OF_MLFLOW)
"""Tags that travel, by how they begin; others belong to a store, or to who made it."""


@dataclass(frozen=True)
class Exported:
    """An experiment, its place, and what people are told of both."""

    experiment: Experiment
    location: Location
    command: str
    provenance: dict[str, str]
    pages: str | None


def export(sources: Sequence[Exported], folder: Path) -> int:
    """Write the results of experiments into a folder; the number of runs.

    All that have ended are written, failed ones too. Raises `UserError` if there is none, or if the folder cannot be
    written.
    """
    import pandas as pd

    parts = [_tables(source.experiment, source.location) for source in sources]
    tables = Tables(*(pd.concat(of_all, ignore_index=True) for of_all in zip(*parts, strict=True)))
    if tables.runs.empty:
        raise UserError(f"{sources[0].location}: no run of '{sources[0].experiment.name}' has ended: nothing to export")
    asked = [
        Asked(
            experiment=written_out(source.experiment),
            command=source.command,
            provenance=source.provenance,
            pages=source.pages,
        )
        for source in sources
    ]
    try:
        write_manifest(folder, asked, write_tables(folder, tables))
    except OSError as error:
        raise UserError(f"{folder}: results cannot be written there: {error.strerror}; choose another --out") from None
    return len(tables.runs)


def _tables(experiment: Experiment, location: Location) -> tuple[pd.DataFrame, ...]:
    stored = matched(location, experiment).runs
    ended = {
        spec: stored[spec.signature]
        for spec in experiment.runs
        if spec.signature in stored and stored[spec.signature].status in _ENDED
    }
    runs = list(ended.values())
    return (
        _runs(experiment, ended),
        _metrics(location, runs),
        _profiles(location, experiment, runs),
        _test_examples(location, experiment, runs),
        _answers(location, experiment, ended),
    )


def _runs(experiment: Experiment, ended: dict[RunSpec, StoredRun]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (
            experiment.name,
            run.run_id,
            spec.question,
            run.code or spec.code,
            run.started,
            packed({key: masked(value) for key, value in sorted(run.tags.items()) if key.startswith(_TAGS)}),
            packed(run.parameters or parameters(spec)),
            packed(run.settings or run_file(spec)),
        )
        for spec, run in ended.items()
    ]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS)).astype("str")


def _metrics(location: Location, runs: list[StoredRun]) -> pd.DataFrame:
    """Every value: histories, and at step 0 what is measured once."""
    import pandas as pd

    points = [(run_id, metric, step, value) for run_id, step, metric, value in location.reader.histories(runs)]
    told = {(run_id, metric) for run_id, metric, _, _ in points}
    points += [
        (run.run_id, metric, 0, value)
        for run in runs
        for metric, value in run.metrics.items()
        if (run.run_id, metric) not in told
    ]
    place = {run.run_id: at for at, run in enumerate(runs)}
    points.sort(key=lambda point: (point[1], place[point[0]], point[2]))
    table = pd.DataFrame(points, columns=list(METRIC_COLUMNS))
    return table.astype({"run_id": "str", "metric": "str", "step": "int64", "value": "float64"})


def _profiles(location: Location, experiment: Experiment, runs: list[StoredRun]) -> pd.DataFrame:
    import pandas as pd

    found = {run.run_id: location.reader.profile(experiment.name, run.run_id) for run in runs}
    parts = [table.assign(run_id=run_id) for run_id, table in found.items() if table is not None]
    columns = ["run_id", *PROFILE_COLUMNS]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _test_examples(location: Location, experiment: Experiment, runs: list[StoredRun]) -> pd.DataFrame:
    import pandas as pd

    found = {run.run_id: location.reader.test_scores(experiment.name, run.run_id) or [] for run in runs}
    rows = [(run_id, score) for run_id, scores in found.items() for score in scores]
    return pd.DataFrame(rows, columns=["run_id", "score"]).astype({"run_id": "str", "score": "float64"})


def _answers(location: Location, experiment: Experiment, ended: dict[RunSpec, StoredRun]) -> pd.DataFrame:
    import pandas as pd

    found = {
        run.run_id: allowed(spec.task, location.reader.answers(experiment.name, run.run_id))
        for spec, run in ended.items()
    }
    rows = [(run_id, packed(answers)) for run_id, answers in found.items() if answers is not None]
    return pd.DataFrame(rows, columns=["run_id", "answers"]).astype("str")
