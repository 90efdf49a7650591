"""The overrides that an experiment file was run with, so that their runs are found again: `--last`, and hints."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.errors import UserError
from rnnbench.experiment import yaml_file
from rnnbench.experiment.overrides import combined
from rnnbench.text.wording import count_of
from rnnbench.tracking.matching import matched

if TYPE_CHECKING:
    from rnnbench.experiment.definition import Experiment
    from rnnbench.tracking.location import Location


@dataclass(frozen=True)
class Remembered:
    """Runs that a store has of an experiment and that its file, with the overrides given now, does not ask for."""

    runs: int
    overrides: tuple[str, ...] | None
    """What makes the file ask for them; None where that is unknown, because the file has changed since."""

    def __str__(self) -> str:
        """`36 runs with training.steps=150 (add --set training.steps=150)`."""
        runs = count_of(self.runs, "run")
        if self.overrides is None:
            return f"{runs} with other settings than the file has now"
        if not self.overrides:
            return f"{runs} of the file as it is (leave --set out)"
        options = " ".join(f"--set {shlex.quote(override)}" for override in self.overrides)
        return f"{runs} with {', '.join(self.overrides)} (add {options})"


def others(experiment: Experiment, location: Location) -> list[Remembered]:
    """What the store has under other overrides than the experiment's, the latest first; each run counts once.

    Overrides that by now change nothing, or that the file no longer accepts, are left out. Raises `UserError` if
    the store does not answer; it is not asked where every run of the experiment is skipped.
    """
    if not experiment.runs:
        return []
    stored = location.reader.statuses(experiment.name).keys()
    here = {run.signature for run in matched(location, experiment).runs.values()}
    told = here | {spec.signature for spec in experiment.runs}
    nothing_of_it = stored and not told & stored
    found = []
    for overrides in _other_overrides(experiment, location) if stored - told else ():
        runs = (_signatures(experiment, overrides) & stored) - told
        if runs:
            found.append(Remembered(len(runs), tuple(_needed(experiment, overrides))))
            told |= runs
    if nothing_of_it and not found:
        found.append(Remembered(len(stored), None))
    return found


def instead(experiment: Experiment, location: Location) -> str:
    """What a store has of an experiment where it has nothing under these overrides, in a line; else empty."""
    if matched(location, experiment).runs:
        return ""
    there = "; ".join(map(str, others(experiment, location)))
    return f"{location}: no runs of '{experiment.name}' with these settings, but {there}" if there else ""


def with_last(file: Path, overrides: Sequence[str], location: Location) -> list[str]:
    """The overrides of the last `run` of a file, with `overrides` on top.

    Raises `UserError` if the store does not answer or knows no run of the file.
    """
    name = yaml_file.load(file, overrides).name
    known = location.reader.asked(name)
    if not known:
        raise UserError(f"{location}: no `rnnbench run` of '{name}' is remembered, so there is nothing to take up")
    return combined(known[-1], overrides)


def _other_overrides(experiment: Experiment, location: Location) -> list[list[str]]:
    known = location.reader.asked(experiment.name) or []
    return [overrides for overrides in reversed(known) if tuple(overrides) != experiment.overrides]


def _needed(experiment: Experiment, overrides: Sequence[str]) -> list[str]:
    """The overrides without which the file would ask for other runs."""
    kept, runs = list(overrides), _signatures(experiment, overrides)
    for override in overrides:
        fewer = [other for other in kept if other != override]
        if _signatures(experiment, fewer) == runs:
            kept = fewer
    return kept


def _signatures(experiment: Experiment, overrides: Sequence[str]) -> set[str]:
    if experiment.file is None:
        return set()
    try:
        other = yaml_file.load(experiment.file, overrides)
    except UserError:
        return set()
    return {spec.signature for spec in other.runs} if other.name == experiment.name else set()
