"""How far a grid is, as its store says at this moment: `rnnbench status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rnnbench.execution.estimate import seconds
from rnnbench.execution.leases import Leases
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.skipped import SKIPPED
from rnnbench.grid.stages import expected, not_picked
from rnnbench.tracking.location import Location
from rnnbench.tracking.matching import matched
from rnnbench.tracking.reader import StoredRun

STATES = ("finished", "diverged", "failed", "interrupted", "running", "waiting", "not needed", SKIPPED)
_DONE = ("finished", "diverged", "failed")


@dataclass(frozen=True)
class Running:
    """A run that is going on, as far as the store knows: a driver writes every few seconds."""

    spec: RunSpec
    step: int | None
    """The step of its last evaluation; None before the first."""
    score: float
    """The validation score there; NaN before the first evaluation."""


@dataclass(frozen=True)
class GridStatus:
    """How far a grid is."""

    states: dict[str, str]
    """By `RunSpec.key`, one of `STATES`; `not needed`: at values that were not chosen."""
    running: list[Running]
    seconds_left: float | None
    """At the speed of the runs that have ended, with as many runs at a time as now; None where that is unknown."""
    note: str = ""
    """A line for people where data are absent: see `tracking.matching`."""

    @property
    def done(self) -> int:
        return sum(state in _DONE for state in self.states.values())

    def counts(self, specs: Iterable[RunSpec]) -> Counter[str]:
        """How many of these runs are in each state; points that are one run count once."""
        return Counter(self.states[key] for key in {spec.key for spec in specs})


def look(experiment: Experiment, location: Location, leases: Leases) -> GridStatus:
    """Raises `UserError` if the store does not answer. A run whose driver is dead counts as interrupted."""
    found = matched(location, experiment)
    left_out = not_picked(experiment, location)
    states = _states(experiment, location, leases, found.runs, left_out or set())
    specs = [spec for spec in experiment.runs if states[spec.signature] == "running"]
    running = _progress(location, specs, found.runs)
    # Until values are chosen, a run of an evaluation seed is one of several alternatives.
    likely = expected(experiment) if left_out is None else {}
    return GridStatus(states, running, _seconds_left(experiment, states, running, found.runs, likely), found.note)


def _states(
    experiment: Experiment, location: Location, leases: Leases, stored: dict[str, StoredRun], left_out: set[str]
) -> dict[str, str]:
    signatures = [spec.signature for spec in experiment.runs]
    states = {one: stored[one].status if one in stored else "waiting" for one in signatures}
    states |= {one: "not needed" for one in left_out if states[one] == "waiting"}
    # Drivers whose results go to a server may work on other machines, where their leases are.
    if location.database is not None or leases.directory.exists():
        # Leases bear the signature that the run has in the store; the grid's may lack the data.
        running = {one: stored[one].signature for one in signatures if states[one] == "running"}
        alive = leases.taken(running.values())
        states |= {one: "interrupted" for one, held in running.items() if held not in alive}
    return states | {spec.key: SKIPPED for spec in experiment.skipped}


def _progress(location: Location, specs: list[RunSpec], stored: dict[str, StoredRun]) -> list[Running]:
    asked = [
        StoredRun(stored[spec.signature].run_id, metrics={f"validation/{spec.task.score.name}": 0.0}) for spec in specs
    ]
    last = {run_id: (step, value) for run_id, step, _, value in location.reader.histories(asked)}
    return [Running(spec, *last.get(run.run_id, (None, float("nan")))) for spec, run in zip(specs, asked, strict=True)]


def _seconds_left(
    experiment: Experiment,
    states: dict[str, str],
    running: list[Running],
    stored: dict[str, StoredRun],
    likely: Mapping[RunSpec, float],
) -> float | None:
    ended = [
        spec
        for spec in experiment.runs
        if states[spec.signature] in _DONE and stored[spec.signature].metrics.get("seconds")
    ]
    took = sum(stored[spec.signature].metrics["seconds"] for spec in ended)
    if not running or not took:
        return None
    share = {one.spec.signature: (one.step or 0) / one.spec.training.steps for one in running}
    to_come = sum(
        seconds(spec) * (1 - share.get(spec.signature, 0.0)) * likely.get(spec, 1.0)
        for spec in experiment.runs
        if states[spec.signature] not in (*_DONE, "not needed")
    )
    return to_come * took / sum(map(seconds, ended)) / len(running)
