"""`rnnbench status`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli.options import ExperimentFile, Json, Last, Overrides, Store, TrackingUri

if TYPE_CHECKING:
    from rnnbench.grid.grid import Grid
    from rnnbench.grid.status import GridStatus

_FOLLOW_SECONDS = 2.0


def status(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006
    last: Last = False,
    store: Store = None,
    tracking_uri: TrackingUri = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Refresh it until no run is running.")] = False,
    as_json: Json = False,
) -> None:
    """Count the runs of a grid by their state in the store, and show those that are running."""
    from rnnbench.cli import output, values
    from rnnbench.cli.grids import open_grid
    from rnnbench.cli.views.status import status as view

    grid = open_grid(file, overrides, store, tracking_uri, last)
    found, others = grid.status(), grid.others()
    if as_json:
        output.print_json(values.status(grid.experiment, found, others))
        return
    if not (follow and output.stdout.is_terminal):
        output.stdout.print(view(grid.experiment, found))
    for other in others:
        output.say(f"also there: {other}")
    if follow:
        _follow(grid, found)


def _follow(grid: Grid, found: GridStatus) -> None:
    from rich.live import Live

    from rnnbench.cli import output
    from rnnbench.cli.views.status import status as view

    with Live(view(grid.experiment, found), console=output.stdout, auto_refresh=False) as live:
        while found.running:
            time.sleep(_FOLLOW_SECONDS)
            found = grid.status()
            live.update(view(grid.experiment, found), refresh=True)
