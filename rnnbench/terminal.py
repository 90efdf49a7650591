"""Tables for the terminal, and commands that can be pasted into it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table

from rnnbench.experiment import Experiment, RunSpec
from rnnbench.progress import duration
from rnnbench.status import STATES, GridStatus

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def grid_status(experiment: Experiment, found: GridStatus) -> Group:
    """How many runs of each cell are in which state, and what is going on."""
    counted = {cell: found.counts(specs) for cell, specs in cells(experiment).items()}
    states = [state for state in STATES if any(counts[state] for counts in counted.values())]
    overview = table(f"{experiment.name}: {len(experiment.runs)} runs", ["task", "model"], states)
    for (task, model), counts in counted.items():
        overview.add_row(task, model, *(str(counts[state] or "") for state in states))
    if not found.running:
        return Group(overview)
    left = f", about {duration(found.seconds_left)} left" if found.seconds_left is not None else ""
    lines = table(f"running{left}", ["run"], ["step", "of", "score"])
    for one in found.running:
        step, score = ("", "") if one.step is None else (f"{one.step:,}", f"{one.spec.task.score_name} {one.score:.3g}")
        lines.add_row(one.spec.name, step, f"{one.spec.training.steps:,}", score)
    return Group(overview, lines)


def table(title: str, words: list[str], numbers: list[str]) -> Table:
    """A table without frames, of which names and numbers are never cut."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in words:
        made.add_column(column, no_wrap=column in ("task", "model", "data set"), overflow="fold")
    for column in numbers:
        made.add_column(column, justify="right", no_wrap=True)
    return made


def cells(experiment: Experiment) -> dict[tuple[str, str], list[RunSpec]]:
    """The runs of each task and model."""
    found: dict[tuple[str, str], list[RunSpec]] = {}
    for spec in experiment.runs:
        found.setdefault((spec.task_label, spec.model_label), []).append(spec)
    return found


def span(values: Iterable[int]) -> str:
    """`64`, or `5 to 200`."""
    ordered = sorted(set(values))
    return f"{ordered[0]:,}" if len(ordered) == 1 else f"{ordered[0]:,} to {ordered[-1]:,}"


def setting(name: str, field: FieldInfo) -> str:
    """A setting of a task or model with its default."""
    return name if field.is_required() else f"{name}={field.default}"


def command() -> str:
    """How this program was called, so that what is printed can be pasted: `make run` does not put it on the PATH."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m rnnbench"
    return called.name if shutil.which(called.name) else os.path.relpath(called)


def where(store: Path | None, tracking_uri: str | None) -> str:
    """The options that name a store, as they were given."""
    if tracking_uri:
        return f" --tracking-uri {tracking_uri}"
    return f" --store {store}" if store else ""
