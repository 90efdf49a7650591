"""What several commands do with the grid of an experiment file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.cli.output import say_note

if TYPE_CHECKING:
    from rnnbench.grid.grid import Grid


def open_grid(
    file: Path, overrides: list[str], store: Path | None, tracking_uri: str | None, last: bool = False
) -> Grid:
    """The grid of a file and its store; `last`: with the overrides of the last `run` too. Raises `UserError`."""
    from rnnbench.experiment import yaml_file
    from rnnbench.grid import remembered
    from rnnbench.grid.grid import Grid
    from rnnbench.tracking.location import Location

    location = Location.resolve(store, tracking_uri)
    if last:
        overrides = remembered.with_last(file, overrides, location)
    experiment = yaml_file.load(file, overrides)
    settings = "".join(f" --set {shlex.quote(override)}" for override in overrides)
    name = file.name if file.is_absolute() else str(file)
    return Grid(experiment, location, store, made_by=f"rnnbench run {shlex.quote(name)}{settings}")


def list_in_index(page: Path) -> None:
    """Bring the index beside the folder of a report up to date."""
    from rnnbench.report.index import write_index

    for line in write_index(page.parent.parent):
        say_note(line)
