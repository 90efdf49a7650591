"""Numbers and names as a reader sees them."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable
from numbers import Real
from typing import Any

import pandas as pd

_SLUG = 80
_TURNING = {"R", "AL", "RLE", "LRE", "RLO", "LRO", "RLI", "LRI", "FSI"}
"""Bidirectional classes of the characters that run, or make others run, from right to left."""


def number(value: Any, digits: int = 3) -> str:
    """A measured value: three significant digits, a dash where there is none."""
    if value is None or pd.isna(value) or not math.isfinite(value):
        return "–"
    value = float(value)
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        text = f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    elif abs(value) >= 10**digits:
        text = f"{value:,.0f}"
    else:
        text = f"{value:#.{digits}g}".rstrip(".") if value else "0"
    return text.replace("-", "−")


def count(value: Any) -> str:
    """A whole number, a dash where there is none."""
    return "–" if value is None or pd.isna(value) else f"{int(value):,}"


def as_typed(value: Any) -> str:
    """The value of a setting as a person would type it: `0.001`, `adam`, `null`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{float(value):g}" if isinstance(value, Real) else str(value)


def span(low: float, high: float, digits: int = 3) -> str:
    """An interval: `[0.50, 0.75]`."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def seeds_text(low: int, high: int) -> str:
    """`"3 seeds"`, `"2 to 3 seeds"`."""
    if low == high:
        return f"{high} seed{'' if high == 1 else 's'}"
    return f"{low} to {high} seeds"


def listed(names: Iterable[str]) -> str:
    """`"a, b and c"`."""
    names = list(names)
    if not names:
        return ""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def sentences(*parts: str) -> str:
    """Those that are not empty, one after the other."""
    return " ".join(part for part in parts if part)


def isolated(text: str) -> str:
    """A name that runs from right to left, or says so, wrapped so that the text around it keeps its direction."""
    turning = any(unicodedata.bidirectional(sign) in _TURNING for sign in text)
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if turning else text


def slug(text: str) -> str:
    """A label in file names and anchors: short, and different for labels that differ in any way."""
    readable = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
    # Characters that are common in our labels need no hash: "sentiment (imdb_reviews)", "mnist, permuted=True".
    if readable and len(readable) <= _SLUG and re.fullmatch(r"[\w (),=.-]+", text, re.ASCII):
        return readable
    return f"{readable[:_SLUG]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".strip("-")


def flatten(value: object, prefix: str = "") -> list[tuple[str, str]]:
    """Nested dicts and lists as (dotted name, text) pairs; a list without dicts or lists in it stays on one line."""
    if isinstance(value, dict):
        return [
            pair for key, inner in value.items() for pair in flatten(inner, f"{prefix}.{key}" if prefix else str(key))
        ]
    if isinstance(value, list | tuple):
        if any(isinstance(inner, dict | list | tuple) for inner in value):
            return [pair for i, inner in enumerate(value) for pair in flatten(inner, f"{prefix}[{i}]")]
        return [(prefix, ", ".join("null" if inner is None else str(inner) for inner in value))]
    return [] if value is None else [(prefix, str(value))]
