"""A label of an experiment file may hold several grids: where its axes do not go with each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator

from rnnbench.errors import SettingError
from rnnbench.experiment.expansion import merge_points
from rnnbench.experiment.settings import KeyPath


def _each(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return [handler(one) for one in value] if isinstance(value, list) and value else handler(value)


Entry = Annotated[dict[str, Any], WrapValidator(_each), PlainSerializer(lambda entry: entry)]
"""What a label stands for: settings, or a list of them."""


def with_defaults(entry: Any) -> Any:
    """The entry with no settings instead of no value: `lstm:` is the model with its defaults."""
    if isinstance(entry, list):
        return [with_defaults(one) for one in entry]
    return {} if entry is None else entry


def grids_of(entry: Any, path: KeyPath) -> list[tuple[Mapping[str, Any], KeyPath]]:
    """The grids of a label, each with its place in the file; most labels have one."""
    return [(one, (*path, at)) for at, one in enumerate(entry)] if isinstance(entry, list) else [(entry, path)]


def pairs(task: Any, model: Any) -> Iterator[tuple[int, int]]:
    """Each grid of a task with each of a model, by their positions."""
    return itertools.product(range(len(grids_of(task, ()))), range(len(grids_of(model, ()))))


def check_one_class_each(kind: str, entries: Mapping[str, Any]) -> None:
    """Raise `SettingError` for a label whose grids are not all of one task, or of one model."""
    for label, entry in entries.items():
        names = {str(one.get(kind, label)): path for one, path in grids_of(entry, (f"{kind}s", label))}
        if len(names) > 1:
            first, (other, path) = next(iter(names)), list(names.items())[1]
            raise SettingError(
                path, f"the grids of a label are of one {kind}, here '{first}': give '{other}' a label of its own"
            )


def merged(grids: Mapping[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """One dictionary for all points of a label: see `merge_points`. Of several grids it also says, for people, which
    values go together, under `grids`."""
    each = [merge_points(points) for points in grids.values()]
    differ = [key for key in each[0] if any(grid[key] != each[0][key] for grid in each)]
    told = [", ".join(f"{key}: {grid[key]}" for key in differ) for grid in each]
    return merge_points([point for points in grids.values() for point in points]) | (
        {"grids": told} if len(each) > 1 else {}
    )
