"""`rnnbench plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from rnnbench.cli.options import DataDir, ExperimentFile, Json, Overrides, Store, TrackingUri


def plan(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006
    store: Store = None,
    tracking_uri: TrackingUri = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one per core]")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say how many runs a file asks for, how large they are, and about how long they take.

    The time is estimated from the runs in the store that were made on a machine like this one; a server is not asked.
    """
    from rnnbench.cli import output, values
    from rnnbench.cli.grids import open_grid
    from rnnbench.cli.views.plan import plan as view
    from rnnbench.datasets import location
    from rnnbench.execution.machine import cores, default_workers, gpus
    from rnnbench.tracking.past import past_runs

    location.set_directories(data_dir, None)
    grid = open_grid(file, overrides, store, tracking_uri)
    experiment = grid.experiment
    fitting, note = default_workers(experiment.runs)
    past = past_runs(grid.location)
    if as_json:
        output.print_json(values.plan(experiment, workers or fitting, past))
        return
    output.stdout.print(view(experiment, workers or fitting, past, str(grid.location), 1 if gpus() else cores()))
    if note and workers is None:
        output.say(f"Memory: {note}")
