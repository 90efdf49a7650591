"""`rnnbench data`."""

from __future__ import annotations

from typing import Annotated

import typer

from rnnbench.cli import completion
from rnnbench.cli.options import DataDir, ManualDir


def data(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Data sets; all if none is named.", autocompletion=completion.data_sets),
    ] = None,
    prepare: Annotated[bool, typer.Option("--prepare", help="Download and prepare what is missing.")] = False,
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
) -> None:
    """Show the real data sets: what is there, what is missing, sizes and licences; and prepare them.

    Without network, put a data set's files into the manual directory first.
    """
    from rnnbench.cli import output
    from rnnbench.cli.shell import program
    from rnnbench.cli.views.data_sets import data_sets
    from rnnbench.datasets import catalogue, location

    location.set_directories(data_dir, manual_dir)
    chosen = [catalogue.find(name) for name in names or catalogue.DATA_SETS]
    if prepare:
        from rnnbench.datasets import preparing

        for data_set in chosen:
            preparing.prepare(data_set.name)
    states = {data_set.name: catalogue.state(data_set.name) for data_set in chosen}
    output.stdout.print(data_sets(chosen, states))
    missing = [name for name, state in states.items() if state.status != "present"]
    if missing:
        output.say(f"Get what is missing with: {program()} data --prepare {' '.join(missing)}")
