"""What `rnnbench data` shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rnnbench.cli.tables import PlainTable
from rnnbench.datasets import catalogue, location


def data_sets(chosen: Iterable[catalogue.DataSet], states: Mapping[str, catalogue.State]) -> PlainTable:
    """Each data set with its state on disk."""
    table = PlainTable(
        f"data sets in {location.data_dir()}", ["data set", "task", "licence", "state"], ["size", "download"]
    )
    for data_set in chosen:
        found = states[data_set.name]
        table.add_row(
            data_set.name,
            ", ".join(catalogue.used_by(data_set.name)),
            data_set.licence,
            f"{found.status}: {found.damage}" if found.damage else found.status,
            f"{found.bytes / 1e6:,.1f} MB" if found.bytes else "",
            data_set.download,
        )
    return table
