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
from rnnbench.grid.results import load, provenance
from rnnbench.grid.stages import planned
from rnnbench.report.build import build
from rnnbench.report.comparison import Only, joined
from rnnbench.tracking.location import Location
from rnnbench.tracking.ui import run_pages


@dataclass(frozen=True)
class Source:
    """An experiment, where its results are kept, and the command that makes them."""

    experiment: Experiment
    location: Location
    made_by: str


def write(sources: Sequence[Source], out: Path, only: Only | None = None, made_by: str = "") -> Path:
    """Write the report of one experiment, or of several on the same figures; the path of its page.

    `only`: what it is restricted to. `made_by`: the command that makes this very report, if it takes more than the
    commands of the sources. Raises `UserError` if there is nothing to report or `out` cannot be written.
    """
    only = only or Only()
    found = {name: (source, load(source.location, source.experiment)) for name, source in _names(sources).items()}
    experiment, results = _together(found)
    try:
        return build(
            experiment,
            results if only.everything else only.of(results),
            out,
            title=" and ".join(found),
            description=" ".join(dict.fromkeys(source.experiment.description for source in sources)),
            restriction=str(only),
            provenance=_each({name: provenance(one.location, one.experiment) for name, (one, _) in found.items()}),
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
