"""Copies of a store take a hundredth of the time."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from rnnbench.tracking.backups import Backups


def test_after_a_copy_the_next_one_waits_a_hundred_times_as_long_as_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)

    def back_up() -> None:
        clock.now += 2.0

    backups = Backups(SimpleNamespace(back_up=back_up))
    assert backups.due
    backups.make()
    clock.now += 199.0
    assert not backups.due
    clock.now += 1.0
    assert backups.due
