"""An experiment as the content of a file that leaves nothing to defaults, which later versions may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from rnnbench.datasets.own import place
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.identity.signature import canonical_json
from rnnbench.tasks.own_file import OwnFileTask


def written_out(experiment: Experiment) -> dict[str, Any]:
    """What `Experiment.model_validate` takes, as JSON values: plug-ins by the names of their files or modules.

    Beside what its file says stands every setting that all of its runs have in common.
    """
    points = experiment.all_points
    values = experiment.model_dump(mode="json")
    sized = ("units",) if experiment.match != "units" else ()
    return values | {
        "plugins": [PurePath(plugin).name if plugin.endswith(".py") else plugin for plugin in experiment.plugins],
        "tasks": {
            label: _each_grid(entry, partial(_task, [point for point in points if point.task_label == label]))
            for label, entry in values["tasks"].items()
        },
        "models": {
            label: _each_grid(entry, partial(_model, [point for point in points if point.model_label == label], sized))
            for label, entry in values["models"].items()
        },
        "training": _common(points, "training") | values["training"],
    }


def _each_grid(entry: Any, written: Callable[[int, dict[str, Any]], dict[str, Any]]) -> Any:
    return [written(at, one) for at, one in enumerate(entry)] if isinstance(entry, list) else written(0, entry)


def _task(points: list[RunSpec], at: int, entry: dict[str, Any]) -> dict[str, Any]:
    own = [point for point in points if point.grids[0] == at]
    return _common(own, "task_settings") | {"task": _name(own, "task")} | entry | _of_own_file(own, entry)


def _model(points: list[RunSpec], left_out: tuple[str, ...], at: int, entry: dict[str, Any]) -> dict[str, Any]:
    own = [point for point in points if point.grids[1] == at]
    return _common(own, "model_settings", left_out) | {"model": _name(own, "model")} | entry


def _of_own_file(points: list[RunSpec], entry: Mapping[str, Any]) -> dict[str, Any]:
    """The name of a user's file instead of its path, and what a report of the results must know of its content."""
    records = [point.task.record() for point in points if isinstance(point.task, OwnFileTask)]
    if not records:
        return {}
    recorded = {key: value for record in records for key, value in record.items()}
    return {"path": place.names(entry["path"]), "recorded": canonical_json(recorded)}


def _name(points: list[RunSpec], kind: str) -> str:
    name: str = points[0].settings[kind]
    return name


def _common(points: Iterable[RunSpec], group: str, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The settings of a group on which all points agree."""
    settings: list[Mapping[str, Any]] = [point.settings[group] for point in points]
    return {
        name: value
        for name, value in settings[0].items()
        if name not in left_out and len({canonical_json(one[name]) for one in settings}) == 1
    }
