"""`rnnbench import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli.options import Plugins, Store, TrackingUri

if TYPE_CHECKING:
    from rnnbench.tracking.portable.importing import Imported


def import_(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR", help="Folders of exported results, or of reports with their `data/`."),
    ],
    store: Store = None,
    tracking_uri: TrackingUri = None,
    plugins: Plugins = [],  # noqa: B006  (typer copies it)
) -> None:
    """Put exported results into a store, where they count as finished.

    So a grid that several machines shared is joined, and `rnnbench run` does only what is left of it. Results that the
    store has already stay as they are.
    """
    from rnnbench.cli.output import say, stderr
    from rnnbench.grid.exported import answered, take_in
    from rnnbench.tracking.location import Location

    location = Location.resolve(store, tracking_uri)
    found = answered(folders, plugins)
    with stderr.status("importing ...") as status:
        for name, imported in take_in(found, location, lambda at, of: status.update(f"run {at + 1} of {of}")):
            for line in _lines(imported):
                say(f"{name}: {line}")


def _lines(imported: Imported) -> list[str]:
    from rnnbench.text.wording import count_of

    lines = [f"{count_of(imported.taken, 'run')} imported"]
    if imported.there:
        differing = f", {imported.differing} of them with another score" if imported.differing else ""
        lines.append(f"{count_of(imported.there, 'run')} left as the store has them{differing}")
    if imported.other_version:
        lines.append(
            f"{count_of(imported.other_version, 'run')} of another version of the code, or on other data than here: "
            "they do not count as finished"
        )
    if imported.failed:
        lines.append(f"{count_of(imported.failed, 'failed run')} left out; `rnnbench run` tries again")
    return lines
