"""Which stored run is which run of a grid.

By signature; by settings where the data are absent. Exported runs by what they were asked alone: a report of them must
come out the same on every machine and in later versions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rnnbench.tracking.names import SETTINGS_TAG
from rnnbench.tracking.reader import StoredRun

if TYPE_CHECKING:
    from rnnbench.experiment.definition import Experiment
    from rnnbench.tracking.location import Location


@dataclass(frozen=True)
class Matched:
    """The stored runs of a grid."""

    runs: dict[str, StoredRun] = field(default_factory=dict)
    """The newest stored run of each run of the grid, by the signature that the grid gives it."""
    note: str = ""
    """A line for people where a match says less: data are absent, or exported runs are of several versions; else
    empty."""


def matched(location: Location, experiment: Experiment) -> Matched:
    """What a store holds of an experiment. Raises `UserError` if the store does not answer or is not MLflow's.

    Of an experiment whose runs are all skipped no store holds anything, and none is asked.
    """
    if not experiment.runs:
        return Matched()
    return match(experiment, location.reader.runs(experiment.name))


def match(experiment: Experiment, stored: Iterable[StoredRun]) -> Matched:
    """The same for runs that were read already, the oldest first."""
    stored = list(stored)
    if any(run.question for run in stored):
        return _match_exported(experiment, stored)
    by_signature = {run.signature: run for run in stored}
    by_settings: dict[str, dict[str, StoredRun]] = {}
    for run in by_signature.values():
        by_settings.setdefault(run.tags.get(SETTINGS_TAG, ""), {})[run.signature] = run
    place = {run.run_id: at for at, run in enumerate(stored)}
    found: dict[str, StoredRun] = {}
    blind: list[str] = []
    several = 0
    for spec in experiment.runs:
        if spec.fingerprint is None:
            candidates = list(by_settings.get(spec.settings_signature, {}).values())
            blind += [spec.task_label] if spec.task_label not in blind else []
            several += len(candidates) > 1
        else:
            candidates = [by_signature[spec.signature]] if spec.signature in by_signature else []
        if candidates:
            found[spec.signature] = max(candidates, key=lambda run: place[run.run_id])
    return Matched(found, _note(blind, several))


def _match_exported(experiment: Experiment, stored: list[StoredRun]) -> Matched:
    newest = {run.question: run for run in stored}
    found = {spec.signature: newest[spec.question] for spec in experiment.runs if spec.question in newest}
    codes: dict[object, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for spec in experiment.runs:
        if spec.signature in found:
            codes[type(spec.task), type(spec.model), spec.training.implementation][found[spec.signature].code] += 1
    mixed = sum(sum(sorted(counts.values())[:-1]) for counts in codes.values())
    runs = "1 run was" if mixed == 1 else f"{mixed} runs were"
    return Matched(found, f"{runs} made by another version of the code than the others" if mixed else "")


def _note(tasks: list[str], several: int) -> str:
    if not tasks:
        return ""
    note = f"the data of {', '.join(tasks)} are not here: runs are matched by their settings alone"
    runs = "1 run was" if several == 1 else f"{several} runs were"
    return f"{note}; {runs} made on different data, of which the newest is shown" if several else note
