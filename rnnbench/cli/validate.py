"""`rnnbench validate`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli import completion
from rnnbench.cli.options import DataDir, Json, ManualDir, Overrides, Plugins


def validate(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="Check what this experiment brings, at its settings.",
            autocompletion=completion.experiment_files,
        ),
    ] = None,
    overrides: Overrides = [],  # noqa: B006
    suite: Annotated[
        bool, typer.Option("--suite", help="Check the suite itself too, and the tasks and models built in.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="As --suite, and what must be trained first; takes minutes.")
    ] = False,
    plugins: Plugins = [],  # noqa: B006
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
    as_json: Json = False,
) -> None:
    """Check tasks and models against their contracts, and the suite against known numbers and exact bounds.

    With FILE: the plug-ins of that experiment at its settings, or all that it uses if it has no plug-in. With
    `--plugins`: those, at their defaults. With neither, or with `--suite`: everything. Prints what was expected, what
    was found, and the source. Exit code 1 if a check failed.
    """
    from rnnbench.checks import validation
    from rnnbench.cli import output, values
    from rnnbench.cli.options import load_plugins
    from rnnbench.cli.views.findings import findings as view
    from rnnbench.datasets import location
    from rnnbench.experiment import yaml_file

    location.set_directories(data_dir, manual_dir)
    load_plugins(plugins)
    experiment = yaml_file.load(file, overrides) if file else None
    everything = suite or full or not (file or plugins)
    checks = validation.chosen(experiment, plugins=bool(plugins), suite=everything, trained=full)
    with nullcontext() if as_json else output.stdout.status("") as status:
        found = validation.findings(checks, lambda subject: status.update(f"checking {subject}") if status else None)
    if as_json:
        output.print_json(values.findings(found))
    else:
        output.stdout.print(view(found, output.stdout))
    if any(finding.passed is False for finding in found):
        raise typer.Exit(1)
