"""JSON that every parser accepts: without NaN and Infinity, which the standard lacks."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from numbers import Rational, Real
from typing import Any


def dumps(value: Any, **options: Any) -> str:
    """`json.dumps` with null for each non-finite number: for measurements, which then count as missing."""
    return json.dumps(_replace_non_finite(value, lambda number: None), allow_nan=False, **options)


def dumps_exactly(value: Any, **options: Any) -> str:
    """`json.dumps` that `loads_exactly` reverses, including NaN and infinities."""
    return json.dumps(_replace_non_finite(value, lambda number: {_TAG: repr(number)}), allow_nan=False, **options)


def loads_exactly(text: str | bytes) -> Any:
    """The value that `dumps_exactly` wrote."""
    return json.loads(text, object_hook=lambda found: float(found[_TAG]) if found.keys() == {_TAG} else found)


def first_non_finite(value: Any) -> float | None:
    """The first NaN or infinity in nested containers; None if there is none."""
    found: list[float] = []
    _replace_non_finite(value, found.append)
    return found[0] if found else None


_TAG = "not finite"


def _replace_non_finite(value: Any, replacement: Callable[[float], Any]) -> Any:
    """`value` with each non-finite number in it replaced by `replacement(number)`."""
    if isinstance(value, Real) and not isinstance(value, Rational):  # Includes NumPy's floats, excludes integers.
        return value if math.isfinite(value) else replacement(float(value))
    if isinstance(value, dict):
        return {key: _replace_non_finite(inner, replacement) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_replace_non_finite(inner, replacement) for inner in value]
    return value
