"""Tables for the terminal, and commands that can be pasted into it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich import box
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rnnbench.cli.progress import duration, score_text
from rnnbench.execution.estimate import Estimate
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.grid.stages import expected, planned
from rnnbench.grid.status import STATES, GridStatus
from rnnbench.text.credentials import hidden_command
from rnnbench.text.wording import count_of

if TYPE_CHECKING:
    from rnnbench.execution.estimate import PastRun
    from rnnbench.report.headline import Headline

T = TypeVar("T")

_UNBOUNDED = 10_000


class PlainTable(Table):
    """A table without frames whose cells are text as it is. Where there is no room, words are folded, numbers never."""

    def __init__(self, title: str, words: list[str], numbers: list[str]) -> None:
        heading = Text(title, style="bold") if title else None
        super().__init__(title=heading, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for column in words:
            self.add_column(Text(column), overflow="fold")
        for column in numbers:
            self.add_column(Text(column), justify="right", no_wrap=True)

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def table(title: str, words: list[str], numbers: list[str]) -> PlainTable:
    """An empty table: columns of words to the left, of numbers to the right."""
    return PlainTable(title, words, numbers)


def grid_status(experiment: Experiment, found: GridStatus) -> Group:
    """How many runs of each cell are in which state, and what is going on."""
    counted = {cell: found.counts(specs) for cell, specs in cells(experiment.points).items()}
    states = [state for state in STATES if any(counts[state] for counts in counted.values())]
    overview = table(f"{experiment.name}: {count_of(len(experiment.runs), 'run')}", ["task", "model"], states)
    for task, model, counts in _grouped(counted):
        overview.add_row(task, model, *(str(counts[state] or "") for state in states))
    said: list[RenderableType] = [overview, *([Text(f"Note: {found.note}.")] if found.note else [])]
    if not found.running:
        return Group(*said)
    left = f", about {duration(found.seconds_left)} left" if found.seconds_left is not None else ""
    lines = table(f"running{left}", ["run"], ["step", "of", "score"])
    for one in found.running:
        step, score = ("", "") if one.step is None else (f"{one.step:,}", score_text(one.spec, one.score))
        lines.add_row(one.spec.name, step, f"{one.spec.training.steps:,}", score)
    return Group(*said, lines)


def plan(experiment: Experiment, workers: int, past: Sequence[PastRun] = (), place: str = "") -> Group:
    """How many runs a grid has, how large they are, and about how long they take.

    `past`: the runs by which that is judged, `place`: where they are.
    """
    estimate = Estimate(experiment.runs, past)
    overview = table(
        f"{experiment.name}: {count_of(len(experiment.runs), 'run')}, equal {experiment.match}",
        ["task", "model"],
        ["lag", "units", "parameters", "steps", "runs", "at most"],
    )
    for task, model, specs in _grouped(cells(experiment.runs)):
        overview.add_row(
            task,
            model,
            span(spec.task.lag for spec in specs),
            span(spec.model.units for spec in specs),
            span(spec.model.recurrent_parameters(spec.task.inputs.width) for spec in specs),
            span(spec.training.steps for spec in specs),
            str(len(specs)),
            duration(sum(estimate.seconds(spec, whole_budget=True) for spec in specs) / workers),
        )
    chosen = planned(experiment)
    fewer = f"Only {chosen} of them will be done: the seeds to evaluate run at chosen rates. "
    points = len(experiment.points)
    twins = f"The {points} points of the grid are fewer runs: without a lag, for one, the fillers do not differ. "
    sources = ", ".join(sorted({spec.task.data_source for spec in experiment.runs}))
    total = duration(estimate.total(expected(experiment), workers))
    words = (
        f"{fewer if chosen < len(experiment.runs) else ''}{twins if points > len(experiment.runs) else ''}"
        f"Data: {sources}. About {total} with {count_of(workers, 'worker')}, "
        f"start-up and compilation included; {_judged(experiment, estimate, place)}"
    )
    return Group(overview, Text(words))


def _judged(experiment: Experiment, estimate: Estimate, place: str) -> str:
    """Where the time comes from that `plan` says."""
    if not estimate.past:
        where = f"no runs in {place} yet" if place else "no runs to go by"
        return f"{where}: a guess, for runs that use their whole budget."
    kinds = [estimate.knows(spec) for spec in experiment.runs]
    known = "of these kinds" if all(kinds) else "some of them of these kinds" if any(kinds) else "of other kinds"
    return f"judged by {count_of(estimate.past, 'run')} in {place}, {known}."


def overview(found: dict[str, dict[str, Any]]) -> Group:
    """Tasks, models and groups of settings, a line each: what `values.registered` says."""
    tables = []
    for kind, things in found.items():
        lines = table(kind, [kind.removesuffix("s"), "what it is"], [])
        for name, said in things.items():
            lines.add_row(name, said["description"])
        tables.append(lines)
    return Group(*tables, Text(f"Settings of one: {command()} list NAME"))


def details(found: dict[str, dict[str, Any]]) -> Group:
    """Every setting of tasks, models and groups with its default."""
    tables = []
    for things in found.values():
        for name, said in things.items():
            lines = table(f"{name}: {said['description']}", ["setting", "default", "what it is"], [])
            for setting, about in said["settings"].items():
                default = as_yaml(about["default"]) if "default" in about else "must be given"
                lines.add_row(setting, default, about["description"])
            tables.append(lines)
    return Group(*tables)


def as_yaml(value: Any) -> str:
    """A default as an experiment file has it: `null`, `true`, `[go, up]`."""
    if isinstance(value, list):
        return f"[{', '.join(map(as_yaml, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def headline(found: Headline, console: Console) -> Group:
    """The memory horizon of every line: a row a task, or a row a line where that is too wide for the console."""
    wide = table("", ["task", "filler"], found.models)
    for (task, filler), horizons in found.by_task.items():
        wide.add_row(task, filler, *(horizons.get(model, "") for model in found.models))
    if fits(wide, console):
        return Group(Text(found.heading, style="bold"), wide)
    narrow = table("", ["task", "filler", "model"], ["horizon"])
    for row in found.rows:
        narrow.add_row(row.task, row.filler, row.model, row.horizon)
    return Group(Text(found.heading, style="bold"), narrow)


def fits(what: RenderableType, console: Console) -> bool:
    """Whether the console is wide enough for all of it."""
    unbounded = console.options.update(max_width=_UNBOUNDED)
    return Measurement.get(console, unbounded, what).maximum <= console.width


def cells(specs: Iterable[RunSpec]) -> dict[tuple[str, str], list[RunSpec]]:
    """The runs of each task and model."""
    found: dict[tuple[str, str], list[RunSpec]] = {}
    for spec in specs:
        found.setdefault((spec.task_label, spec.model_label), []).append(spec)
    return found


def _grouped(by_cell: Mapping[tuple[str, str], T]) -> Iterator[tuple[str, str, T]]:
    """Task, model and value of each cell; the task on its first row alone."""
    before = None
    for (task, model), value in by_cell.items():
        yield task if task != before else "", model, value
        before = task


def span(values: Iterable[int]) -> str:
    """`64`, or `5–200`."""
    ordered = sorted(set(values))
    return f"{ordered[0]:,}" if len(ordered) == 1 else f"{ordered[0]:,}–{ordered[-1]:,}"


def command() -> str:
    """How this program was called, so that what is printed can be pasted: `make run` does not put it on the PATH."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m rnnbench"
    return called.name if shutil.which(called.name) else shlex.quote(os.path.relpath(called))


def where(store: Path | None, tracking_uri: str | None) -> str:
    """The options that name a store, as they were given."""
    if tracking_uri:
        return f" --tracking-uri {hidden_command([tracking_uri])}"
    return f" --store {shlex.quote(str(store))}" if store else ""
