"""Where the time of a run goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Stopwatch:
    """Measures the time since it was made, and the time of named parts, in seconds."""

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        """`before`: the readings of an earlier stopwatch, to which this one adds."""
        self._parts = dict(before or {})
        self._began = time.perf_counter() - self._parts.pop("seconds", 0.0)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time inside as `name`'s."""
        began = time.perf_counter()
        try:
            yield
        finally:
            key = f"seconds/{name}"
            self._parts[key] = self._parts.get(key, 0.0) + time.perf_counter() - began

    def readings(self) -> dict[str, float]:
        """`seconds` in all, and `seconds/PART` of each part."""
        return {"seconds": time.perf_counter() - self._began, **self._parts}
