"""Which loop a call takes."""

import pytest

from rnnbench.layers import loops, recurrent


@pytest.fixture
def fast_calls(monkeypatch):
    """A list that grows by one with each fast loop."""
    calls = []
    monkeypatch.setattr(
        recurrent, "recurrence", lambda *args, **options: calls.append(args) or loops.recurrence(*args, **options)
    )
    return calls


@pytest.fixture(autouse=True)
def fast_outside_of_functions(monkeypatch):
    """Eager calls take the fast loop, as they do with probes: to trace every one of them would take its time."""
    monkeypatch.setattr(recurrent, "in_a_graph", lambda: True)
