"""What `rnnbench list` shows."""

from __future__ import annotations

from rnnbench.cli import values
from rnnbench.cli.views import registered
from tests.cli.views.shown import shown


def test_models_stand_under_the_heading_of_their_family() -> None:
    lines = shown(registered.overview(values.registered(["lstm", "lru", "tcn", "adding"])), 100).splitlines()
    titles = [line.strip() for line in lines if line.startswith(("models", "tasks", "groups"))]
    assert titles == ["tasks", "models: core", "models: further cells", "models: baselines without a state"]
    under = [line.split()[0] for line in lines if line.strip().startswith(("lstm", "lru", "tcn"))]
    assert under == ["lstm", "lru", "tcn"]
