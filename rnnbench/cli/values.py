"""What commands say, as plain values: `--json` prints them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnbench import registry
from rnnbench.checks.finding import Finding, counts
from rnnbench.errors import UserError
from rnnbench.execution.estimate import Estimate, PastRun
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.overrides import GROUPS
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.grid.stages import expected, planned
from rnnbench.identity.signature import keys

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from rnnbench.grid.remembered import Remembered
    from rnnbench.grid.status import GridStatus


def registered(names: list[str]) -> dict[str, dict[str, Any]]:
    """`tasks`, `models` and setting `groups` by name, each with its description and settings.

    A model also says whether it is `causal`, a task whether it `allows_lookahead`: see `RunSpec.skipped`. Models are in
    the order of their `family`. Only those in `names`, unless that is empty. Raises `UserError` for a name that is
    unknown.
    """
    known: dict[str, Mapping[str, Any] | registry.Registry[Any]] = {
        "tasks": registry.tasks,
        "models": {name: registry.models[name] for name in sorted(registry.models, key=_by_family)},
        "groups": GROUPS,
    }
    every = [name for things in known.values() for name in things]
    for name in names:
        if name not in every:
            raise UserError(registry.unknown("name", name, every))
    return {
        kind: {name: _described(things[name]) for name in things if not names or name in names}
        for kind, things in known.items()
    }


def plan(experiment: Experiment, workers: int, past: Sequence[PastRun] = ()) -> dict[str, Any]:
    """Every run with its settings and about how long it takes; `past`: the runs from which that is estimated."""
    estimate = Estimate(experiment.runs, past)
    return {
        "experiment": experiment.name,
        "planned": planned(experiment),
        "workers": workers,
        "seconds": estimate.total(expected(experiment), workers) if experiment.runs else 0.0,
        "judged_by_runs": len(past),
        "runs": [
            _named(spec) | {"seconds": estimate.seconds(spec), "settings": spec.settings} for spec in experiment.runs
        ],
        "skipped": [_named(spec) | {"reason": spec.skipped} for spec in experiment.skipped],
    }


def status(experiment: Experiment, found: GridStatus, others: Sequence[Remembered] = ()) -> dict[str, Any]:
    """The state of every run, with `step` and `score` of its last evaluation if it is running, `reason` if skipped.

    `others`: runs that the store has under other overrides.
    """
    running = {one.spec.signature: one for one in found.running}
    runs = []
    for spec in experiment.all_points:
        said = _named(spec) | {"state": found.states[spec.key]}
        said |= {"reason": spec.skipped} if spec.skipped is not None else {}
        if one := running.get(spec.key):
            said |= {"step": one.step, "score": one.score if math.isfinite(one.score) else None}
        runs.append(said)
    told = {
        "experiment": experiment.name,
        "counts": dict(found.counts(experiment.whole_grid)),
        "seconds_left": found.seconds_left,
        "runs": runs,
        "others": [{"overrides": one.overrides, "runs": one.runs} for one in others],
    }
    return told | ({"note": found.note} if found.note else {})


def findings(found: Sequence[Finding]) -> dict[str, Any]:
    """Each finding with its `verdict`, and how many have which."""
    rows = [
        {
            "check": one.check,
            "expected": one.expected,
            "found": one.found,
            "tolerance": one.tolerance,
            "source": one.source,
            "verdict": one.verdict,
        }
        for one in found
    ]
    return {"findings": rows, "counts": counts(found)}


def _named(spec: RunSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "signature": spec.key,
        "task": spec.task_label,
        "model": spec.model_label,
        "lag": spec.task.lag,
        "filler": spec.task.filler,
        "seed": spec.seed,
        "steps": spec.training.steps,
    }


def _by_family(name: str) -> tuple[int, str, str]:
    """Place of a model in the list: ours first, the further ones behind those that are the core."""
    family = registry.models[name].family
    ours = ("core", "cell", "baseline")
    return ours.index(family) if family in ours else len(ours), family, name


def _described(thing: Any) -> dict[str, Any]:
    settings = {name: _setting(field) for name, field in keys(thing).items()}
    declared = {name: getattr(thing, name) for name in ("family", "causal", "allows_lookahead") if hasattr(thing, name)}
    return {"description": registry.described(thing), **declared, "settings": settings}


def _setting(field: FieldInfo) -> dict[str, Any]:
    said: dict[str, Any] = {"description": " ".join((field.description or "").split())}
    if not field.is_required():
        default = field.get_default(call_default_factory=True)
        default = list(default) if isinstance(default, tuple) else default
        said["default"] = default if isinstance(default, str | int | float | bool | list | None) else str(default)
    return said
