"""Before a grid is driven: where its checkpoints and leases are kept, and what there is to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.errors import UserError
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.leases import Leases
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.location import DEFAULT_DIRECTORY, Location

if TYPE_CHECKING:
    from rnnbench.tracking.writer import Tracker


def work_place(experiment: Experiment, location: Location, store: Path | None) -> tuple[Checkpoints, Leases]:
    """Where interrupted runs wait and drivers say what they are doing: beside a local database, else in `store`."""
    local = location.database.parent if location.database else None
    place = (local or store or Path(DEFAULT_DIRECTORY)).resolve()
    return Checkpoints(place / "checkpoints" / experiment.name), Leases(place / "leases" / experiment.name)


def to_do(
    experiment: Experiment, tracker: Tracker, leases: Leases, checkpoints: Checkpoints, fresh: bool = False
) -> list[RunSpec]:
    """The runs that have no result yet, after tidying up what a killed driver left; all of them if `fresh`.

    Raises `UserError` if another driver is doing runs that `fresh` would discard.
    """
    alive = leases.taken(spec.signature for spec in experiment.runs)
    if fresh:
        if alive:
            raise UserError(
                f"--fresh: another `rnnbench run` is doing {len(alive)} of these runs; end it first (one that died on "
                "another machine no longer counts after a minute)"
            )
        tracker.discard(spec.signature for spec in experiment.runs)
    tracker.bury(alive)
    done = tracker.finished()
    if done:
        tracker.back_up(now=True)
    for spec in experiment.runs:
        if fresh or spec.signature in done:
            checkpoints.remove(spec.signature)
    return [spec for spec in experiment.runs if spec.signature not in done]
