"""What the runs of a store took, for the time that `plan` says."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rnnbench import environment, registry
from rnnbench.errors import UserError
from rnnbench.execution.estimate import PastRun
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.settings import GradientProbes, Training, parse_test_lags
from rnnbench.identity.signature import keys
from rnnbench.tracking.location import Location
from rnnbench.tracking.reader import EndedRun

Settings = TypeVar("Settings", bound=BaseModel)

_NEWEST = 500
_PARTS = ("training", "evaluation", "probes", "lag_curve", "compilation")
_METRICS = ("steps", "seconds", *(f"seconds/{part}" for part in _PARTS))


def past_runs(location: Location) -> list[PastRun]:
    """The newest runs that ended on a machine like this one, of any experiment.

    Empty where there are none, where the store is a server, and where it cannot be read: no work depends on them. Runs
    of plug-ins that are not loaded are left out.
    """
    try:
        found = location.reader.ended_on(environment.machine(), _METRICS, _NEWEST)
    except UserError:
        return []
    runs = (_past_run(one) for one in found)
    return [run for run in runs if run is not None]


def _past_run(ended: EndedRun) -> PastRun | None:
    parameters, metrics = ended.parameters, ended.metrics
    try:
        spec = RunSpec(
            task_label=parameters["task"],
            task=settings_of(registry.tasks[parameters["task_name"]], "task", parameters),
            model_label=parameters["model"],
            model=settings_of(registry.models[parameters["model_name"]], "model", parameters),
            seed=int(parameters["seed"]),
            training=settings_of(Training, "training", parameters),
            gradients=settings_of(GradientProbes, "gradients", parameters),
            test_lags=parse_test_lags(json.loads(parameters.get("test_lags", "null"))),
        )
        spec.task.layout, spec.task.ports, spec.task.outputs  # noqa: B018  (one raises where the own file is elsewhere)
        parts = {part: metrics.get(f"seconds/{part}", 0.0) for part in _PARTS}
        parts["rest"] = max(0.0, metrics["seconds"] - sum(parts.values()))
        return PastRun(spec, int(metrics["steps"]), parts)
    except (KeyError, ValueError, UserError, ValidationError):
        return None  # Of a plug-in, or of a version that had other settings.


def settings_of(settings: type[Settings], group: str, parameters: dict[str, str]) -> Settings:
    """What `notes.parameters` flattened: a key that two groups have bears the name of the second group.

    Raises `ValueError` for what such settings do not allow.
    """
    values: dict[str, Any] = {}
    for key in keys(settings):
        written = parameters.get(f"{group}_{key}", parameters.get(key))
        if written is not None:
            values[key] = _value(written)
    return settings.model_validate_json(json.dumps(values))


def _value(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return written
