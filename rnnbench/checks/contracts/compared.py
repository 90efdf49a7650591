"""Streams compared bit by bit."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rnnbench.tasks.stream import Stream


def equal(a: Stream, b: Stream) -> bool:
    """Whether two streams have the same parts, and these the same values."""
    return a.parts.keys() == b.parts.keys() and all(np.array_equal(a.parts[name], b.parts[name]) for name in a.parts)


def row_keys(parts: Iterable[np.ndarray]) -> list[bytes]:
    """The bytes of each example in all parts."""
    by_part = ([row.tobytes() for row in np.ascontiguousarray(part)] for part in parts)
    return [b"".join(row) for row in zip(*by_part, strict=True)]
