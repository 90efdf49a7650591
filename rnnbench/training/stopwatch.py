"""Where the time of a run goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Stopwatch:
    """The time since it was made, and that of the parts which are named while they last; in seconds."""

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        """`before`: the readings of an earlier watch, on top of which this one counts."""
        self._parts = dict(before or {})
        self._began = time.perf_counter() - self._parts.pop("seconds", 0.0)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done inside as `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            key = f"seconds/{name}"
            self._parts[key] = self._parts.get(key, 0.0) + time.perf_counter() - began

    def readings(self) -> dict[str, float]:
        """`seconds`, the whole, and `seconds/PART` for each part."""
        return {"seconds": time.perf_counter() - self._began, **self._parts}
