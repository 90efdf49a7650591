"""Altair with its own defaults, whatever a notebook has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import altair as alt


@contextmanager
def neutral() -> Iterator[None]:
    """Inside, charts become specs without the user's theme or data transformers, each with its own data."""
    with alt.theme.enable("default"), alt.data_transformers.enable("default", consolidate_datasets=False):
        yield
