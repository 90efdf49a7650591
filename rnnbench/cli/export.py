"""`rnnbench export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli.options import ExperimentFile, Last, Overrides, Store, TrackingUri


def export(
    file: ExperimentFile,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")],
    overrides: Overrides = [],  # noqa: B006  (typer copies it)
    last: Last = False,
    store: Store = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Write the results of an experiment as files that travel: Parquet tables and a manifest.

    `rnnbench import` puts them into another store, where they count as finished, and `rnnbench report DIR` makes a
    report of them without a store. A report has them beside it, in `data/`.
    """
    from rnnbench.cli.grids import open_grid
    from rnnbench.cli.output import say
    from rnnbench.grid.report import write_data
    from rnnbench.text.wording import count_of

    grid = open_grid(file, overrides, store, tracking_uri, last)
    grid.check_readable()
    runs = write_data([grid.source], out)
    size = sum(path.stat().st_size for path in out.glob("*.parquet"))
    say(f"exported: {out} ({count_of(runs, 'run')}, {size / 1e6:.1f} MB)")
