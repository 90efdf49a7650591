"""What a signature is made of beside the settings: a version for each part of the suite that every run goes through.

Tasks and models have a version of their own, `Task.version` and `Model.version`. A test holds the results of short
runs; where they move it names the part whose version to raise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

PARTS = {
    # Raise when results change through the training step, the optimiser, clipping, batches, evaluation, early stopping,
    # the head, the embedding, or the seeding of weights: all of `training` but `training.probes`.
    "training": 1,
    # Raise when what a fast recurrent layer computes changes: `layers`. Not part of a run with `implementation: stock`.
    "layers": 1,
    # Raise when the values of gradient profile, spectra, norms or saturation change: `training.probes`.
    "probes": 1,
}


@dataclass(frozen=True)
class Joined:
    """Marks a setting that came later: `shards: Annotated[int, Joined(earlier=1)] = 4`.

    At `earlier`, the value that does what was done before the setting was there, the setting is no part of the
    signature, whatever its default is; so results from before it are found, and none passes for what it is not.
    """

    earlier: Any


@dataclass(frozen=True)
class HashedAs:
    """Marks a setting that was renamed: it stands in the signature under its old name."""

    name: str


def hashed(settings: BaseModel) -> dict[str, Any]:
    """Settings as plain values, as far as they belong into a signature, under the names that they have there.

    The marks `Joined` and `HashedAs` are read off the field itself (`Annotated[int | None, ...]`), also in settings
    within settings.
    """
    plain = settings.model_dump(mode="json")
    found: dict[str, Any] = {}
    for name, field in type(settings).model_fields.items():
        if name not in plain:
            continue  # the field says that it is no part of what is written down
        inner = getattr(settings, name)
        value = hashed(inner) if isinstance(inner, BaseModel) else plain[name]
        marks = {type(mark): mark for mark in field.metadata}
        if Joined in marks and written(value) == written(_like(value, marks[Joined].earlier)):
            continue
        found[marks[HashedAs].name if HashedAs in marks else name] = value
    return found


def digest(values: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that stand for plain values, whatever their order."""
    return hashlib.sha256(written(values).encode()).hexdigest()[:16]


def written(value: Any) -> str:
    """Plain values as one text: 1, 1.0 and True differ, mappings in another order do not."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _like(value: Any, earlier: Any) -> Any:
    """`earlier` as the setting would have it: 1 is 1.0 where that is a float."""
    if isinstance(earlier, BaseModel):
        return earlier.model_dump(mode="json")
    return float(earlier) if type(value) is float and type(earlier) is int else earlier
