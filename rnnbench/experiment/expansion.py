"""Expands one entry of an experiment file (a task, a model) into validated objects, one per point of its axes."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError

from rnnbench import registry
from rnnbench.datasets.own.place import DIRECTORY
from rnnbench.errors import SettingError
from rnnbench.experiment.feasibility import InfeasibleError, as_infeasible, check_class
from rnnbench.experiment.mistakes import explain, unknown_key
from rnnbench.experiment.settings import KeyPath, Training
from rnnbench.identity.signature import keys
from rnnbench.text.strict_json import first_non_finite

Values = dict[str, tuple[Any, KeyPath]]
"""Settings as written in the file, each with its path there."""


def read_entry(
    entry: Mapping[str, Any], known: registry.Registry[Any], kind: str, path: KeyPath
) -> tuple[Any, Values, Values]:
    """The class that an entry names, its settings, and its keys that override `training`."""
    name = entry.get(kind, path[1])
    if not isinstance(name, str) or name not in known:
        where = (*path, kind) if kind in entry else path
        raise SettingError(where, registry.unknown(kind, str(name), known))
    found = known[name]
    with at_its_setting({}, {}, path):
        check_class(found)
    values = {key: (value, (*path, key)) for key, value in entry.items() if key != kind}
    own = keys(found)
    refuse_unknown(values, {kind} | set(own) | set(Training.model_fields), path)
    # A key that is a setting of the class itself is not a training setting.
    training = {key: values[key] for key in values if key in Training.model_fields and key not in own}
    return found, {key: value for key, value in values.items() if key not in training}, training


def refuse_unknown(values: Values, allowed: set[str], path: KeyPath) -> None:
    """Raise `SettingError` for a key that is not allowed; for a former name of a training setting, with the new one."""
    for key in values:
        if key not in allowed:
            raise SettingError((*path, key), unknown_key(key, sorted(allowed), Training))


def every_point(
    settings: type[Any], values: Values, path: KeyPath, directory: str = ""
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Every point of the axes among `values`: the validated object and its values of the axes.

    `directory`: where relative paths among the settings begin; by default the working directory.
    """
    axes = {key: value for key, (value, _) in values.items() if is_axis(settings, key, value)}
    for key, choices in axes.items():
        if not choices:
            raise SettingError(values[key][1], "an empty list makes the grid empty; give at least one value")
    for chosen in itertools.product(*axes.values()):
        axis_values = dict(zip(axes, chosen, strict=True))
        point = {key: _frozen(axis_values.get(key, value)) for key, (value, _) in values.items()}
        try:
            with at_its_setting(values, axis_values, path):
                with as_infeasible(settings, "validation"):
                    valid = settings.model_validate(point, context={DIRECTORY: directory})
                _check_finite(valid)
            # A mapping is named by the text that the settings make of it.
            yield (
                valid,
                {
                    key: getattr(valid, key) if isinstance(value, Mapping) else value
                    for key, value in axis_values.items()
                },
            )
        except ValidationError as error:
            first = error.errors()[0]
            wrong = str(first["loc"][0]) if first["loc"] else ""
            at: KeyPath = values[wrong][1] if wrong in values else path
            if wrong in axes:
                at = (*at, axes[wrong].index(axis_values[wrong]))
            raise SettingError(at, explain(first)) from None


def _check_finite(settings: BaseModel) -> None:
    """Raise `InfeasibleError` for NaN and infinity where pydantic lets them pass: in defaults and in untyped fields."""
    for key, value in settings:
        if (number := first_non_finite(value)) is not None:
            raise InfeasibleError(key, f"{key}: {number} is not valid: should be a finite number")


@contextmanager
def at_its_setting(values: Values, axes: Mapping[str, Any], path: KeyPath) -> Iterator[None]:
    """Turn an `InfeasibleError` into a `SettingError` where the setting at fault is written, else at `path`."""
    try:
        yield
    except InfeasibleError as error:
        key = error.key
        if key not in values:
            raise SettingError((*path, key) if key else path, error.message) from None
        written, place = values[key]
        index = (written.index(axes[key]),) if key in axes else ()
        raise SettingError((*place, *index), error.message) from None


def axes_of(settings: type[BaseModel], values: Values) -> dict[KeyPath, int]:
    """The number of values of each axis, by path."""
    known = {key: place for key, place in values.items() if key in keys(settings)}
    return {path: len(value) for key, (value, path) in known.items() if is_axis(settings, key, value)}


def is_axis(settings: type[BaseModel], key: str, value: Any) -> bool:
    """Whether a value is an axis: a list, or a list of lists if the setting itself is a list."""
    if not isinstance(value, list):
        return False
    return not takes_list(settings, key) or any(isinstance(item, list) for item in value)


def takes_list(settings: type[BaseModel], key: str) -> bool:
    """Whether the setting itself is a list."""
    annotation = keys(settings)[key].annotation
    return any(typing.get_origin(kind) is tuple for kind in (annotation, *typing.get_args(annotation)))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def merge_points(points: list[dict[str, Any]]) -> dict[str, Any]:
    """One dictionary for all points: the common value of each key, or the list of values where they differ."""
    merged: dict[str, Any] = {}
    for key in points[0]:
        values = [point[key] for point in points]
        if isinstance(values[0], dict):
            merged[key] = merge_points(values)
        else:
            distinct = [value for at, value in enumerate(values) if value not in values[:at]]
            merged[key] = distinct if len(distinct) > 1 else distinct[0]
    return merged
