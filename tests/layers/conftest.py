"""Whether a call took the fast loop."""

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
