"""Which runs of a grid are done, and when: tuning seeds go first, because they choose the learning rates.

`analysis.selection` says how. pandas is imported only when there is something to choose, because `plan` and `status`
must answer at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnbench.experiment.run_spec import series_key
from rnnbench.tracking.matching import matched

if TYPE_CHECKING:
    from rnnbench.experiment.definition import Experiment
    from rnnbench.experiment.run_spec import RunSpec
    from rnnbench.tracking.location import Location

_ENDED = ("finished", "diverged", "failed")


def planned(experiment: Experiment) -> int:
    """How many runs of the grid will be done."""
    choosing, evaluated = tuning_runs(experiment), evaluation_runs(experiment)
    if not choosing:
        return len(experiment.runs)
    points = {
        (spec.canonical.task, spec.canonical.model, spec.seed, spec.training.model_copy(update={"learning_rate": 1.0}))
        for spec in evaluated
    }
    return len(choosing) + len(points)


def expected(experiment: Experiment) -> dict[RunSpec, float]:
    """Each run of the grid with the probability that it is done: one of several rates will be chosen."""
    choosing, evaluated = tuning_runs(experiment), evaluation_runs(experiment)
    if not choosing or not evaluated:
        return dict.fromkeys(experiment.runs, 1.0)
    share = (planned(experiment) - len(choosing)) / len(evaluated)
    return dict.fromkeys(choosing, 1.0) | dict.fromkeys(evaluated, share)


def needed(experiment: Experiment, location: Location, specs: Sequence[RunSpec]) -> list[RunSpec]:
    """Those of `specs` to do now, as far as the store can tell: first the tuning runs, then those at chosen rates."""
    left_out = not_picked(experiment, location)
    if left_out is None:
        first = {spec.signature for spec in tuning_runs(experiment)}
        return [spec for spec in specs if spec.signature in first]
    return [spec for spec in specs if spec.signature not in left_out]


def not_picked(experiment: Experiment, location: Location) -> set[str] | None:
    """Signatures of the runs that need not be done: at rates that were not chosen, or of a seed with nothing to choose.

    None until all tuning runs have ended.
    """
    choosing = tuning_runs(experiment)
    if not experiment.select or not choosing:
        return set()
    stored = matched(location, experiment).runs
    if any(spec.signature not in stored or stored[spec.signature].status not in _ENDED for spec in choosing):
        return None
    from rnnbench.analysis.groups import GROUP
    from rnnbench.analysis.selection import candidates
    from rnnbench.grid.results import validated

    table = candidates(validated(location, experiment), experiment.select.seeds)
    table = table[table["picked"]]
    rates = dict(zip(table[GROUP].itertuples(index=False, name=None), table["learning_rate"], strict=True))
    chosen = [
        spec
        for spec in experiment.points
        if spec.seed not in experiment.select.seeds
        and rates.get(_series(spec), spec.training.learning_rate) == spec.training.learning_rate
    ]
    return {spec.signature for spec in experiment.runs} - {spec.signature for spec in [*choosing, *chosen]}


def tuning_runs(experiment: Experiment) -> list[RunSpec]:
    """The runs of the tuning seeds (`select.seeds`), on series with more than one rate."""
    seeds = experiment.select.seeds if experiment.select else ()
    rates = defaultdict(set)
    # A run may belong to several series.
    for spec in experiment.points:
        rates[_series(spec)].add(spec.training.learning_rate)
    found = {spec.signature for spec in experiment.points if spec.seed in seeds and len(rates[_series(spec)]) > 1}
    return [spec for spec in experiment.runs if spec.signature in found]


def evaluation_runs(experiment: Experiment) -> list[RunSpec]:
    """The runs of the evaluation seeds, at every rate."""
    seeds = experiment.select.seeds if experiment.select else ()
    return [spec for spec in experiment.runs if spec.seed not in seeds]


def _series(spec: RunSpec) -> tuple[str, ...]:
    return tuple(series_key(spec, "learning_rate").values())
