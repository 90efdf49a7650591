"""`rnnbench ui`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli import browser, completion
from rnnbench.cli.options import Open, Store, TrackingUri


def ui(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="Land on this experiment's runs.", autocompletion=completion.experiment_files
        ),
    ] = None,
    store: Store = None,
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    open_it: Open = False,
) -> None:
    """Serve the MLflow UI on the store, on this machine only, and print the address that shows the runs."""
    from rnnbench.cli.output import say
    from rnnbench.experiment import yaml_file
    from rnnbench.tracking.location import Location
    from rnnbench.tracking.ui import serve

    name = yaml_file.load(file).name if file else None
    serve(Location.resolve(store, tracking_uri), name, port, say, browser.show if open_it else None)
