"""How a signature is computed: settings as JSON values, and a version for each part of the code that runs share.

Tasks and models have versions of their own, `Task.version` and `Model.version`. The golden test compares the results of
short runs with stored ones; when they change, it names the part whose version to raise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

PART_VERSIONS = {
    # Raise when results change through the training step, optimiser, clipping, batches, evaluation, early stopping,
    # head, embedding or weight seeding: `training`, without its `probes`.
    # Version 2 tests at other lags and behind other leads, and judges `solved` absolutely.
    "training": 2,
    # Raise when a fast recurrent layer computes something else: `layers`. Not part of `implementation: stock`.
    "layers": 1,
    # Raise when the masks of `recurrent_dropout` differ: part of runs in fast layers that have them.
    # Version 1 drew them in the stock loop; XLA draws others.
    "recurrent_dropout": 2,
    # Raise when gradient profiles, spectra, norms or saturation change: `training.probes`.
    # Version 2 measures the joint state, per-example ratios and what can be read, at equal steps.
    "probes": 2,
}


@dataclass(frozen=True)
class Joined:
    """Marks a setting that was added later: `shards: Annotated[int, Joined(earlier=1)] = 4`.

    At `earlier`, the value that reproduces the behaviour before the setting existed, it is left out of the signature,
    whatever its default. So earlier results are still found, and never mistaken for those of another value.
    """

    earlier: Any


@dataclass(frozen=True)
class HashedAs:
    """Marks a renamed setting: the signature keeps its old name."""

    name: str


@dataclass(frozen=True)
class Unsigned:
    """Marks a setting that is not part of the signature: it changes no result, or what it names is signed instead."""


def keys(settings: type[BaseModel]) -> dict[str, FieldInfo]:
    """The settings of a class by their keys in an experiment file.

    A key is the name of the field, or its alias, where the class has a method of that name: `split` of tasks.
    """
    return {field.alias or name: field for name, field in settings.model_fields.items()}


def signed_values(settings: BaseModel) -> dict[str, Any]:
    """The settings that belong in a signature, as JSON values under their names there; nested settings too.

    `Joined`, `HashedAs` and `Unsigned` are looked for on the field itself, so write `Annotated[int | None, ...]`.
    """
    plain = settings.model_dump(mode="json")
    found: dict[str, Any] = {}
    for field_name, field in type(settings).model_fields.items():
        name = field.alias or field_name
        if name not in plain:
            continue  # excluded by the field itself
        inner = getattr(settings, field_name)
        value = signed_values(inner) if isinstance(inner, BaseModel) else plain[name]
        marks = {type(mark): mark for mark in field.metadata}
        if Unsigned in marks:
            continue
        if Joined in marks and canonical_json(value) == canonical_json(_like(value, marks[Joined].earlier)):
            continue
        found[marks[HashedAs].name if HashedAs in marks else name] = value
    return found


def digest(values: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that identify a mapping, whatever the order of its keys."""
    return hashlib.sha256(canonical_json(values).encode()).hexdigest()[:16]


def canonical_json(value: Any) -> str:
    """JSON in which 1, 1.0 and True differ, and the order of keys does not matter."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _like(value: Any, earlier: Any) -> Any:
    """`earlier` in the type of `value`: 1 becomes 1.0 for a float."""
    if isinstance(earlier, BaseModel):
        return earlier.model_dump(mode="json")
    return float(earlier) if type(value) is float and type(earlier) is int else earlier
