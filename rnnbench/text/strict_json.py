"""JSON that every parser reads: neither NaN nor Infinity, which JSON does not know."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from numbers import Rational, Real
from typing import Any


def dumps(value: Any, **options: Any) -> str:
    """`json.dumps` with null for a number that is not finite: for what was measured, which is then missing."""
    return json.dumps(_each_number(value, lambda number: None), allow_nan=False, **options)


def dumps_exactly(value: Any, **options: Any) -> str:
    """`json.dumps` of plain values that `loads_exactly` reads back as they were, NaN and infinities included."""
    return json.dumps(_each_number(value, lambda number: {_TAG: repr(number)}), allow_nan=False, **options)


def loads_exactly(text: str | bytes) -> Any:
    """What `dumps_exactly` wrote."""
    return json.loads(text, object_hook=lambda found: float(found[_TAG]) if found.keys() == {_TAG} else found)


def first_non_finite(value: Any) -> float | None:
    """The first number among plain values, however deep, that is NaN or infinite; None without one."""
    found: list[float] = []
    _each_number(value, found.append)
    return found[0] if found else None


_TAG = "not finite"


def _each_number(value: Any, told: Callable[[float], Any]) -> Any:
    """`value` with what `told` gives in place of each number that is not finite."""
    if isinstance(value, Real) and not isinstance(value, Rational):  # NumPy's floats too, and no whole number.
        return value if math.isfinite(value) else told(float(value))
    if isinstance(value, dict):
        return {key: _each_number(inner, told) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_each_number(inner, told) for inner in value]
    return value
