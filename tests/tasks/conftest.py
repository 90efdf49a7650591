"""Levels are computed once a process from settings and data; these tests put other data in their place."""

from __future__ import annotations

import pytest

from rnnbench.tasks import base, examples, language_model, position_blind


@pytest.fixture(autouse=True)
def _no_levels_of_other_data() -> None:
    for kept in (base._levels, base._distinct, examples._in_view, position_blind._position_blind, language_model._of):
        kept.cache_clear()
