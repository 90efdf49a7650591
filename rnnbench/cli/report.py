"""`rnnbench report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import browser, completion
from rnnbench.cli.options import Last, Open, Out, Overrides, Plugins, TrackingUri

if TYPE_CHECKING:
    from rnnbench.grid.report import Source


def report(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|DIR",
            help="Experiment files (YAML), or folders of exported results, such as those of reports.",
            autocompletion=completion.experiment_files,
        ),
    ],
    overrides: Overrides = [],  # noqa: B006
    last: Last = False,
    stores: Annotated[
        list[Path],
        typer.Option("--store", metavar="DIR", help="Directory of results; again for each file.  [default: store]"),
    ] = [],  # noqa: B006
    tracking_uri: TrackingUri = None,
    plugins: Plugins = [],  # noqa: B006
    out: Out = None,
    tasks: Annotated[list[str], typer.Option("--task", metavar="NAME", help="Only this task; may be repeated.")] = [],  # noqa: B006
    models: Annotated[
        list[str], typer.Option("--model", metavar="NAME", help="Only this model; may be repeated.")
    ] = [],  # noqa: B006
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only runs begun since then, e.g. 2026-01-31 (UTC).")
    ] = None,
    open_it: Open = False,
) -> None:
    """Write the report of the runs that the store has: HTML, Markdown, SVG figures, results.csv and a manifest.

    Several files make one report, on the same figures: two initialisations, say, or one experiment on two machines.
    A folder of exported results is reported without a store; several with the same experiment are one grid.
    """
    from rnnbench.cli.grids import list_in_index
    from rnnbench.cli.output import say
    from rnnbench.errors import UserError
    from rnnbench.report.comparison import Only
    from rnnbench.text.credentials import masked_command

    only = Only.parse(tasks, models, since)
    own = "a report of several experiments, or of a part, needs a folder of its own: add --out DIR"
    several = len([place for place in files if not place.is_dir()]) + any(place.is_dir() for place in files) > 1
    if out is None and (several or not only.everything):
        raise UserError(own)
    found = _sources(files, overrides, stores, tracking_uri, last, plugins)
    whole_grid = len(found) == 1 and only.everything
    if out is None and not whole_grid:
        raise UserError(own)
    # After the stores have answered, because drawing takes a second to import.
    from rnnbench.grid.report import write

    made_by = "" if whole_grid else f"rnnbench {masked_command(word for word in sys.argv[1:] if word != '--open')}"
    page = write(found, out or Path("reports") / found[0].experiment.name, only, made_by)
    if out is None:
        list_in_index(page)
    say(f"report: {page}")
    if open_it:
        browser.show(page.resolve().as_uri())


def _sources(
    places: list[Path],
    overrides: list[str],
    stores: list[Path],
    tracking_uri: str | None,
    last: bool,
    plugins: list[str],
) -> list[Source]:
    """The experiments of files with their stores, then those of folders. Raises `UserError` for options that do not
    fit."""
    from rnnbench.cli.grids import open_grid
    from rnnbench.cli.output import say
    from rnnbench.errors import UserError
    from rnnbench.grid.exported import answered
    from rnnbench.grid.report import Source

    folders = [place for place in places if place.is_dir()]
    files = [place for place in places if place not in folders]
    if folders and not files and (overrides or stores or tracking_uri or last):
        raise UserError(f"{folders[0]}: holds results as they are: --set, --last and stores go with experiment files")
    if len(stores) not in (0, 1, len(files)):
        raise UserError(f"{len(stores)} --store for {len(files)} files: give one, or one for each file in their order")
    of_files = stores if len(stores) == len(files) else [stores[0] if stores else None] * len(files)
    grids = [open_grid(file, overrides, place, tracking_uri, last) for file, place in zip(files, of_files, strict=True)]
    for grid in grids:
        grid.check_readable()
        if note := grid.note():
            say(f"note: {note}")
    exported = [Source(one.experiment, one.location, one.made_by) for one in answered(folders, plugins)]
    return [*(grid.source for grid in grids), *exported]
