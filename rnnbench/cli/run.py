"""`rnnbench run`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli import completion
from rnnbench.cli.options import DataDir, ExperimentFile, Last, ManualDir, Out, Overrides, Store, TrackingUri


def run(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006  (typer copies it)
    last: Last = False,
    store: Store = None,
    tracking_uri: TrackingUri = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; 0 runs in this process.  [default: one per core]"),
    ] = None,
    executor: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What executes the runs: `local`, this machine; `ray`, a Ray cluster; or one that a plug-in brings.",
            autocompletion=completion.executors,
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Head of the Ray cluster; without it one is started on this machine."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Discard what the store has of these runs and start over.")
    ] = False,
    system_metrics: Annotated[
        bool,
        typer.Option(
            "--system-metrics",
            help="Log how busy processors, memory, disk and network are, under MLflow's names; or set "
            "`MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING`.",
        ),
    ] = False,
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
    out: Out = None,
) -> None:
    """Run every run of a grid that the store does not have yet, then write the report.

    Finished runs are never repeated, interrupted runs are resumed, failed runs are tried again. Ctrl-C stops in order;
    pressed twice, at once. Exit code 1 if a run failed, 130 after Ctrl-C, 143 after SIGTERM.
    """
    from rnnbench.cli import output
    from rnnbench.cli.grids import list_in_index, open_grid
    from rnnbench.cli.screen import Screen
    from rnnbench.cli.shell import program, same_command, store_options
    from rnnbench.cli.views.headline import headline
    from rnnbench.datasets import location
    from rnnbench.execution.executors import executor_factory
    from rnnbench.execution.system_metrics import switch_on

    # First, because the experiment is checked against the data that are there.
    location.set_directories(data_dir, manual_dir)
    grid = open_grid(file, overrides, store, tracking_uri, last)
    # After the file, whose plug-ins may register an executor.
    executors = executor_factory(workers, executor, address)
    if there := grid.instead():
        output.say(there)
    if system_metrics:
        switch_on()
    screen = Screen(output.stdout, output.stderr)
    outcome = grid.run(executors, screen, out or Path("reports") / grid.experiment.name, fresh)
    if outcome.headline:
        output.stdout.print(headline(outcome.headline, output.stdout))
    if outcome.failed or outcome.signal:
        output.say(f"go on with: {same_command()}")
    if outcome.page:
        if out is None:
            list_in_index(outcome.page)
        output.say(f"report:    {outcome.page}")
        output.say(f"MLflow UI: {program()} ui {shlex.quote(str(file))}{store_options(store, tracking_uri)}")
    if outcome.signal:
        raise typer.Exit(128 + outcome.signal)
    if outcome.failed:
        raise typer.Exit(1)
