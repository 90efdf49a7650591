"""`rnnbench validate` on the command line: parsing and printing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rnnbench.cli import completion
from rnnbench.cli.options import DataDir, Json, ManualDir, Overrides
from rnnbench.text import strict_json

console = Console(highlight=False)


def validate(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Judge what this experiment brings, by its settings.",
            autocompletion=completion.experiment_files,
        ),
    ] = None,
    overrides: Overrides = [],  # noqa: B006
    suite: Annotated[bool, typer.Option("--suite", help="Then the suite itself, and what it has built in.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="The suite too, and what must be trained first; takes minutes.")
    ] = False,
    plugins: Annotated[
        list[str],
        typer.Option("--plugins", metavar="FILE", help="A module or `.py` file of tasks and models to judge."),
    ] = [],  # noqa: B006
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
    as_json: Json = False,
) -> None:
    """Judge tasks and models by their contracts, and the suite by known figures and exact bounds.

    With FILE: the plug-ins of that experiment at its settings, or what it uses if it has none. With `--plugins`: those,
    at their defaults. With neither, or with `--suite`: everything. Prints what was expected, what was found, and where
    that comes from. Exit code 1 if a check failed.
    """
    from rnnbench import registry
    from rnnbench.checks import validation
    from rnnbench.datasets import location
    from rnnbench.experiment import yaml_file as experiment_file

    location.point_to(data_dir, manual_dir)
    registry.load_plugins(str(Path(name).resolve()) if name.endswith(".py") else name for name in plugins)
    experiment = experiment_file.load(file, overrides) if file else None
    everything = suite or full or not (file or plugins)
    findings = validation.found(
        validation.chosen(experiment, bool(plugins), everything, full), None if as_json else console
    )
    if as_json:
        print(strict_json.dumps(validation.plain(findings), indent=2))
    else:
        validation.show(findings, console)
    if any(finding.passed is False for finding in findings):
        raise typer.Exit(1)
