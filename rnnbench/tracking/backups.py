"""Copies of a local store while runs go on, as often as their cost allows."""

from __future__ import annotations

import time

from rnnbench.tracking.store import Store

_SHARE = 0.01
"""Share of the time that copying may take."""


class Backups:
    """Copies a store, and waits after each copy in proportion to the time it took."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._due = 0.0

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._due

    def make(self) -> None:
        began = time.monotonic()
        self._store.back_up()
        ended = time.monotonic()
        self._due = ended + (ended - began) / _SHARE
