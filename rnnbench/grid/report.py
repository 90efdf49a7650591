"""From experiments and their stores to a folder with a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnbench.analysis.results import Results
from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.remembered import instead
from rnnbench.grid.results import load, mixture, provenance
from rnnbench.grid.stages import planned
from rnnbench.report.build import build
from rnnbench.report.comparison import Only, joined
from rnnbench.tracking.location import Location
from rnnbench.tracking.portable.export import Exported, export
from rnnbench.tracking.portable.reader import FolderReader
from rnnbench.tracking.ui import run_pages

DATA = "data"
"""The folder of a report that holds the results it was made of."""


@dataclass(frozen=True)
class Source:
    """An experiment, where its results are kept, and the command that makes them."""

    experiment: Experiment
    location: Location
    made_by: str


def write(sources: Sequence[Source], out: Path, only: Only | None = None, made_by: str = "") -> Path:
    """Write the report of one experiment, or of several on the same figures; the path of its page.

    Into `data` beside it go the results themselves, unless that is where they were read, or it is a restricted report.

    `only`: what it is restricted to. `made_by`: the command that makes this very report, if it takes more than the
    commands of the sources. Raises `UserError` if there is nothing to report or `out` cannot be written.
    """
    only = only or Only()
    found = {name: (source, load(source.location, source.experiment)) for name, source in _names(sources).items()}
    experiment, results = _together(found)
    told = {name: provenance(one.location, one.experiment) for name, (one, _) in found.items()}
    mixed = " ".join(mixture(source.location, source.experiment) for source in sources)
    try:
        page = build(
            experiment,
            results if only.everything else only.of(results),
            out,
            title=" and ".join(found),
            description=" ".join(dict.fromkeys(source.experiment.description for source in sources)),
            restriction=str(only),
            provenance=_each(told),
            mixed=mixed.strip(),
            reproduce=[*(source.made_by for source in sources), *([made_by] if made_by else [])],
            planned=sum(planned(source.experiment) for source in sources) if only.everything else None,
            run_pages={
                name: pages
                for name, (one, _) in found.items()
                if one.experiment.runs and (pages := run_pages(one.location, one.experiment.name))
            },
        )
    except OSError as error:
        raise UserError(f"{out}: the report cannot be written there: {error.strerror}; choose another --out") from None
    if only.everything:
        _write_data(sources, out / DATA)
    return page


def write_data(sources: Sequence[Source], folder: Path) -> int:
    """Export the results of experiments; the number of runs. Raises `UserError` if there is none."""
    for source in sources:
        if there := instead(source.experiment, source.location):
            raise UserError(there)
    return export([_exported(source) for source in sources], folder)


def _exported(source: Source) -> Exported:
    told = provenance(source.location, source.experiment)
    pages = run_pages(source.location, source.experiment.name) if source.experiment.runs else None
    return Exported(source.experiment, source.location, source.made_by, told, pages)


def _write_data(sources: Sequence[Source], folder: Path) -> None:
    readers = [source.location.reader for source in sources]
    read = {one.path for reader in readers if isinstance(reader, FolderReader) for one in reader.folders}
    if folder.resolve() not in read:
        write_data(sources, folder)


def _names(sources: Sequence[Source]) -> dict[str, Source]:
    """Each source by its experiment's name; with the name of its store where two share one."""
    often = Counter(source.experiment.name for source in sources)
    named = {_name(source, alone=often[source.experiment.name] == 1): source for source in sources}
    if len(named) < len(sources):
        raise UserError("an experiment is named twice: give each its own --store, in the order of the files")
    return named


def _name(source: Source, alone: bool) -> str:
    database = source.location.database
    place = str(source.location) if database is None else database.parent.name
    return source.experiment.name if alone else f"{source.experiment.name} in {place}"


def _together(found: dict[str, tuple[Source, Results]]) -> tuple[dict[str, Any], Results]:
    resolved = {name: source.experiment.resolved() for name, (source, _) in found.items()}
    if len(found) == 1:
        return next(iter(resolved.values())), next(results for _, results in found.values())
    tasks = {name: one.pop("tasks") for name, one in resolved.items()}
    results, settings = joined({name: results for name, (_, results) in found.items()}, tasks)
    return {"tasks": settings, "experiments": resolved}, results


def _each(facts: dict[str, Any]) -> dict[str, Any]:
    return facts if len(facts) > 1 else next(iter(facts.values()))
