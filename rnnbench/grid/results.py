"""The results of a grid, fetched from its store."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnbench.analysis import results as tables
from rnnbench.analysis.results import PROFILE_COLUMNS, Record, Results
from rnnbench.errors import UserError
from rnnbench.experiment.skipped import SKIPPED
from rnnbench.grid.remembered import instead
from rnnbench.showing.answers import allowed
from rnnbench.text.wording import count_of
from rnnbench.tracking.matching import matched
from rnnbench.tracking.names import MACHINE_TAG, MESSAGE_TAG
from rnnbench.tracking.reader import StoredRun

if TYPE_CHECKING:
    import pandas as pd

    from rnnbench.experiment.definition import Experiment
    from rnnbench.experiment.run_spec import RunSpec
    from rnnbench.tracking.location import Location


def load(location: Location, experiment: Experiment) -> Results:
    """What the store holds of an experiment's runs, the newest of each signature, and the points that are skipped.

    Raises `UserError` if the store does not answer or holds none of the runs; it is not asked if all are skipped.
    """
    pairs, matching = _stored(location, experiment) if experiment.runs else ([], "")
    runs = {run.signature: run for _, run in pairs}
    points = location.reader.histories(list(runs.values()))
    profiles = _profiles(location, experiment.name, runs)
    examples = _examples(location, experiment.name, runs)
    answers = {run.signature: partial(_answers, location, experiment.name, spec, run.run_id) for spec, run in pairs}
    return tables.tidy(experiment, _records(experiment, pairs), points, profiles, matching, examples, answers)


def validated(location: Location, experiment: Experiment) -> pd.DataFrame:
    """The runs with their validation scores, for choosing among them, or for looking again and again.

    Reads no artifact and no other history. Raises `UserError` as `load` does.
    """
    pairs, _ = _stored(location, experiment)
    asked = {
        spec.signature: StoredRun(run.run_id, metrics={f"validation/{spec.task.score.name}": math.nan})
        for spec, run in pairs
    }
    points = location.reader.histories(list(asked.values()))
    return tables.with_validation_scores(experiment, [_record(*pair) for pair in pairs], points)


def provenance(location: Location, experiment: Experiment) -> dict[str, str]:
    """What the experiment's runs were made with: versions, commit, machine; several values where runs differ."""
    matches = matched(location, experiment)
    tags = [matches.runs[spec.signature].tags for spec in experiment.runs if spec.signature in matches.runs]
    names = {"rnnbench.version": "rnnbench", "mlflow.source.git.commit": "commit"}
    names |= {tag: tag.removeprefix("environment.") for tag in sorted(set().union(*tags)) if "environment." in tag}
    found = {name: sorted({run[tag] for run in tags if tag in run}) for tag, name in names.items()}
    told = {name: "; ".join(values) for name, values in found.items() if values}
    return told | ({"data": matches.note} if matches.note else {})


def mixture(location: Location, experiment: Experiment) -> str:
    """A sentence on results that are not all of one kind of machine; else empty."""
    tags = [run.tags for run in matched(location, experiment).runs.values()]
    machines = Counter(tag[MACHINE_TAG] for tag in tags if MACHINE_TAG in tag)
    if len(machines) < 2:
        return ""
    each = "; ".join(f"{machine} ({count_of(runs, 'run')})" for machine, runs in machines.most_common())
    return (
        f"The runs of {experiment.name} were computed on {len(machines)} kinds of machine, which round differently: "
        f"{each}."
    )


def _stored(location: Location, experiment: Experiment) -> tuple[list[tuple[RunSpec, StoredRun]], str]:
    """Each point of the grid that the store has a run for, and a line for people on how they were matched."""
    matches = matched(location, experiment)
    stored = matches.runs
    pairs = [(spec, stored[spec.signature]) for spec in experiment.points if spec.signature in stored]
    if not pairs:
        none = f"{location}: no runs of '{experiment.name}' yet: run `rnnbench run FILE` first"
        raise UserError(instead(experiment, location) or none)
    return pairs, matches.note


def _records(experiment: Experiment, pairs: list[tuple[RunSpec, StoredRun]]) -> list[Record]:
    """The stored points and the skipped ones, in the order of the grid."""
    stored = dict(pairs)
    return [
        _record(spec, stored[spec]) if spec in stored else Record(spec, "", SKIPPED, message=spec.skipped or "")
        for spec in experiment.all_points
        if spec in stored or spec.skipped is not None
    ]


def _record(spec: RunSpec, run: StoredRun) -> Record:
    return Record(spec, run.run_id, run.status, run.started, run.tags.get(MESSAGE_TAG, ""), run.metrics, run.signature)


def _profiles(location: Location, experiment: str, runs: dict[str, StoredRun]) -> dict[str, pd.DataFrame]:
    found = {signature: location.reader.profile(experiment, run.run_id) for signature, run in runs.items()}
    return {signature: profile[PROFILE_COLUMNS[1:]] for signature, profile in found.items() if profile is not None}


def _answers(location: Location, experiment: str, spec: RunSpec, run_id: str) -> dict[str, Any] | None:
    return allowed(spec.task, location.reader.answers(experiment, run_id))


def _examples(location: Location, experiment: str, runs: dict[str, StoredRun]) -> dict[str, np.ndarray]:
    found = {signature: location.reader.test_scores(experiment, run.run_id) for signature, run in runs.items()}
    return {signature: np.array(scores) for signature, scores in found.items() if scores is not None}
