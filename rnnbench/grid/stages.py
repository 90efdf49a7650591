"""Which runs of a grid are done, and when: tuning seeds go first, because they choose values of axes.

`analysis.selection` says how. pandas is imported only when there is something to choose, because `plan` and `status`
must answer at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnbench.experiment.choice import choice, unit
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
    return len(choosing) + len(_alternatives(experiment, evaluated))


def expected(experiment: Experiment) -> dict[RunSpec, float]:
    """Each run of the grid with the probability that it is done: one of several values will be chosen."""
    choosing, evaluated = tuning_runs(experiment), evaluation_runs(experiment)
    if not choosing or not evaluated:
        return dict.fromkeys(experiment.runs, 1.0)
    share = len(_alternatives(experiment, evaluated)) / len(evaluated)
    return dict.fromkeys(choosing, 1.0) | dict.fromkeys(evaluated, share)


def needed(experiment: Experiment, location: Location, specs: Sequence[RunSpec]) -> list[RunSpec]:
    """Those of `specs` to do now, as far as the store can tell: first the tuning runs, then those at chosen values."""
    left_out = not_picked(experiment, location)
    if left_out is None:
        first = {spec.signature for spec in tuning_runs(experiment)}
        return [spec for spec in specs if spec.signature in first]
    return [spec for spec in specs if spec.signature not in left_out]


def not_picked(experiment: Experiment, location: Location) -> set[str] | None:
    """Signatures of the runs not to do: at values that were not chosen, or of a seed with nothing to choose.

    None until all tuning runs have ended.
    """
    choosing = tuning_runs(experiment)
    if not experiment.select or not choosing:
        return set()
    stored = matched(location, experiment).runs
    if any(spec.signature not in stored or stored[spec.signature].status not in _ENDED for spec in choosing):
        return None
    from rnnbench.analysis.selection import UNIT, candidates
    from rnnbench.grid.results import validated

    select = experiment.select
    table = candidates(validated(location, experiment), select.seeds)
    table = table[table["picked"]]
    picked = dict(zip(table[UNIT].itertuples(index=False, name=None), table["choice"], strict=True))
    chosen = [
        spec
        for spec in experiment.points
        if spec.seed not in select.seeds
        and picked.get(unit(spec, select), choice(spec, select.axes)) == choice(spec, select.axes)
    ]
    return {spec.signature for spec in experiment.runs} - {spec.signature for spec in [*choosing, *chosen]}


def tuning_runs(experiment: Experiment) -> list[RunSpec]:
    """The runs of the tuning seeds (`select.seeds`), on series with more than one combination of values."""
    select = experiment.select
    if select is None or not select.seeds:
        return []
    tried = defaultdict(set)
    # A run may belong to several series.
    for spec in experiment.points:
        tried[unit(spec, select)].add(choice(spec, select.axes))
    found = {
        spec.signature for spec in experiment.points if spec.seed in select.seeds and len(tried[unit(spec, select)]) > 1
    }
    return [spec for spec in experiment.runs if spec.signature in found]


def evaluation_runs(experiment: Experiment) -> list[RunSpec]:
    """The runs of the evaluation seeds, at all values."""
    seeds = experiment.select.seeds if experiment.select else ()
    return [spec for spec in experiment.runs if spec.seed not in seeds]


def _alternatives(experiment: Experiment, specs: Sequence[RunSpec]) -> set[frozenset[str]]:
    """Signatures of runs of which one will be done; those that are the same, of several points, count once."""
    assert experiment.select is not None
    among = {spec.signature for spec in specs}
    found = defaultdict(set)
    for spec in experiment.points:
        if spec.signature in among:
            found[(*unit(spec, experiment.select), spec.task.lag, spec.seed)].add(spec.signature)
    return {frozenset(signatures) for signatures in found.values()}
