"""What the runs of a store took, for the time that `plan` says. Reads a local store only, and without MLflow."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rnnbench import environment, registry
from rnnbench.errors import UserError
from rnnbench.execution.estimate import PastRun
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.settings import GradientProbes, Training
from rnnbench.tracking.location import Location
from rnnbench.tracking.reader import STATUS_TAG

Settings = TypeVar("Settings", bound=BaseModel)

MACHINE_TAG = "environment.machine"
_NEWEST = 500
_PARTS = ("training", "evaluation", "probes", "compilation")
_SOME = "SELECT value FROM json_each(?)"


def past_runs(location: Location) -> list[PastRun]:
    """The newest runs that were finished on a machine like this one, of whatever experiment.

    Empty where there are none, where the store is a server, and where it cannot be read: nobody's work hangs on it.
    Runs of plug-ins that are not loaded are left out.
    """
    if location.database is None or location.is_missing:
        return []
    try:
        params, metrics = _read(location)
    except UserError:
        return []
    runs = (_past_run(params[run_id], metrics[run_id]) for run_id in params)
    return [run for run in runs if run is not None]


def _read(location: Location) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, float]]]:
    """Parameters and metrics by run."""
    query = f"""SELECT runs.run_uuid FROM runs
        JOIN tags AS status ON status.run_uuid = runs.run_uuid AND status.key = ? AND status.value IN ({_SOME})
        JOIN tags AS machine ON machine.run_uuid = runs.run_uuid AND machine.key = ? AND machine.value = ?
        WHERE lifecycle_stage = 'active' ORDER BY start_time DESC LIMIT {_NEWEST}"""
    over = json.dumps(["finished", "diverged"])
    wanted = json.dumps(["steps", "seconds", *(f"seconds/{part}" for part in _PARTS)])
    params: dict[str, dict[str, str]] = defaultdict(dict)
    metrics: dict[str, dict[str, float]] = defaultdict(dict)
    with location.connect() as connection:
        found = json.dumps(
            [one for (one,) in connection.execute(query, (STATUS_TAG, over, MACHINE_TAG, environment.machine()))]
        )
        for run_id, key, value in connection.execute(
            f"SELECT run_uuid, key, value FROM params WHERE run_uuid IN ({_SOME})", (found,)
        ):
            params[run_id][key] = value
        for run_id, key, value in connection.execute(
            f"SELECT run_uuid, key, value FROM latest_metrics WHERE run_uuid IN ({_SOME}) AND key IN ({_SOME})",
            (found, wanted),
        ):
            metrics[run_id][key] = value
    return params, metrics


def _past_run(params: dict[str, str], metrics: dict[str, float]) -> PastRun | None:
    try:
        spec = RunSpec(
            task_label=params["task"],
            task=_settings(registry.tasks[params["task_name"]], "task", params),
            model_label=params["model"],
            model=_settings(registry.models[params["model_name"]], "model", params),
            seed=int(params["seed"]),
            training=_settings(Training, "training", params),
            gradients=_settings(GradientProbes, "gradients", params),
        )
        parts = {part: metrics.get(f"seconds/{part}", 0.0) for part in _PARTS}
        parts["rest"] = max(0.0, metrics["seconds"] - sum(parts.values()))
        return PastRun(spec, int(metrics["steps"]), parts)
    except (KeyError, ValueError, UserError, ValidationError):
        return None  # of a plug-in, or of a version that had other settings


def _settings(settings: type[Settings], group: str, params: dict[str, str]) -> Settings:
    """What `mlflow_words.parameters` flattened: a key that two groups have bears the name of the second group."""
    values: dict[str, Any] = {}
    for key in settings.model_fields:
        written = params.get(f"{group}_{key}", params.get(key))
        if written is not None:
            values[key] = _value(written)
    return settings.model_validate_json(json.dumps(values))


def _value(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return written
