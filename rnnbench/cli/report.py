"""`rnnbench report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli import completion
from rnnbench.cli.options import Last, Out, Overrides, TrackingUri


def report(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Experiment files (YAML).", autocompletion=completion.experiment_files),
    ],
    overrides: Overrides = [],  # noqa: B006
    last: Last = False,
    stores: Annotated[
        list[Path],
        typer.Option("--store", metavar="DIR", help="Directory of results; again for each file.  [default: store]"),
    ] = [],  # noqa: B006
    tracking_uri: TrackingUri = None,
    out: Out = None,
    tasks: Annotated[list[str], typer.Option("--task", metavar="NAME", help="Only this task; may be repeated.")] = [],  # noqa: B006
    models: Annotated[
        list[str], typer.Option("--model", metavar="NAME", help="Only this model; may be repeated.")
    ] = [],  # noqa: B006
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only runs begun since then, e.g. 2026-01-31 (UTC).")
    ] = None,
) -> None:
    """Write the report of the runs that the store has: HTML, Markdown, SVG figures, results.csv and a manifest.

    Several files make one report, on the same figures: two initialisations, say, or one experiment on two machines.
    """
    from rnnbench.cli.grids import list_in_index, open_grid
    from rnnbench.cli.output import say
    from rnnbench.errors import UserError
    from rnnbench.report.comparison import Only
    from rnnbench.text.credentials import masked_command

    if len(stores) not in (0, 1, len(files)):
        raise UserError(f"{len(stores)} --store for {len(files)} files: give one, or one for each file in their order")
    places = stores if len(stores) == len(files) else [stores[0] if stores else None] * len(files)
    grids = [open_grid(file, overrides, place, tracking_uri, last) for file, place in zip(files, places, strict=True)]
    only = Only.parse(tasks, models, since)
    whole_grid = len(files) == 1 and only.everything
    if out is None and not whole_grid:
        raise UserError("a report of several files, or of a part, needs a folder of its own: add --out DIR")
    for grid in grids:
        grid.check_readable()
        if note := grid.note():
            say(f"note: {note}")
    # After the stores have answered, because drawing takes a second to import.
    from rnnbench.grid.report import write

    made_by = "" if whole_grid else f"rnnbench {masked_command(sys.argv[1:])}"
    page = write([grid.source for grid in grids], out or Path("reports") / grids[0].experiment.name, only, made_by)
    if out is None:
        list_in_index(page)
    say(f"report: {page}")
