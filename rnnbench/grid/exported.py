"""Exported results as grids, without a store: `rnnbench report DIR`, and into a store: `rnnbench import DIR`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.identity.signature import canonical_json
from rnnbench.tracking.location import Location
from rnnbench.tracking.portable import manifest
from rnnbench.tracking.portable.manifest import Asked
from rnnbench.tracking.portable.reader import FolderReader, say_of_doubles

if TYPE_CHECKING:
    from rnnbench.tracking.portable.importing import Imported


@dataclass(frozen=True)
class Answered:
    """An experiment and the folders that hold results of it."""

    experiment: Experiment
    location: Location
    made_by: str
    """The command that makes the results."""

    @property
    def reader(self) -> FolderReader:
        assert isinstance(self.location.reader, FolderReader)
        return self.location.reader


def answered(places: Sequence[Path], plugins: Sequence[str] = ()) -> list[Answered]:
    """The experiments in folders of exported results, or of reports. What several folders ask alike is one grid.

    `plugins`: `.py` files and modules for those that the results name. Raises `UserError` for a folder that holds no
    results or damaged ones, and for an experiment that this version cannot read.
    """
    folders: dict[str, list[Path]] = {}
    asked: dict[str, Asked] = {}
    for folder in dict.fromkeys(_folder(place) for place in places):
        for one in manifest.read(folder).experiments:
            key = canonical_json(one.experiment)
            asked.setdefault(key, one)
            folders.setdefault(key, []).append(folder)
    found = [
        Answered(_experiment(one, folders[key][0], plugins), Location.of_folders(folders[key]), one.command)
        for key, one in asked.items()
    ]
    for answer in found:
        if len(answer.reader.folders) > 1:
            say_of_doubles(answer.reader)
    return found


def take_in(
    found: Sequence[Answered], location: Location, tell: Callable[[int, int], None]
) -> Iterator[tuple[str, Imported]]:
    """Import the results into a store: the name of each experiment, and what became of its runs."""
    from rnnbench.tracking.portable.importing import import_runs

    for one in found:
        yield one.experiment.name, import_runs(one.reader, one.experiment, location, tell)


def _folder(place: Path) -> Path:
    folder = manifest.find(place)
    if folder is None:
        raise UserError(
            f"{place}: holds no exported results: give a folder that `rnnbench export` wrote, or that of a report with "
            "its data/"
        )
    return folder.resolve()


def _experiment(asked: Asked, folder: Path, plugins: Sequence[str]) -> Experiment:
    named = [str(name) for name in asked.experiment.get("plugins", [])]
    given = {Path(plugin).name: plugin for plugin in plugins}
    for name in named:
        if name.endswith(".py") and name not in given:
            raise UserError(f"{folder}: its results need the plug-in {name}: add --plugins PATH/{name}")
    values = asked.experiment | {"plugins": [given.get(name, name) for name in named]}
    try:
        return Experiment.model_validate(values)
    except UserError as error:
        raise UserError(f"{folder}: its experiment cannot be read by this version of rnnbench: {error}") from None
