"""`rnnbench list`."""

from __future__ import annotations

from typing import Annotated

import typer

from rnnbench.cli import completion
from rnnbench.cli.options import Json, Plugins


def list_(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Tasks, models and groups of settings (`training`) to show in full.",
            autocompletion=completion.registered,
        ),
    ] = None,
    plugins: Plugins = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """List tasks, models and groups of settings; with names, every setting of those and its default."""
    from rnnbench.cli import output, values
    from rnnbench.cli.options import load_plugins
    from rnnbench.cli.views import registered

    load_plugins(plugins)
    found = values.registered(names or [])
    if as_json:
        output.print_json(found)
    else:
        output.stdout.print(registered.details(found) if names else registered.overview(found))
