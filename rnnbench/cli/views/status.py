"""What `rnnbench status` shows."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from rnnbench.cli.tables import PlainTable
from rnnbench.cli.views.cells import cells
from rnnbench.cli.views.skipped import grid_title, skipped_lines
from rnnbench.cli.words import duration, score_text
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.status import STATES, GridStatus


def status(experiment: Experiment, found: GridStatus) -> Group:
    """How many runs of each task and model are in which state, and those that are running."""
    counted = [(task, model, found.counts(specs)) for task, model, specs in cells(experiment.all_points)]
    states = [state for state in STATES if any(counts[state] for _, _, counts in counted)]
    table = PlainTable(grid_title(experiment), ["task", "model"], states)
    for task, model, counts in counted:
        table.add_row(task, model, *(str(counts[state] or "") for state in states))
    note = [Text(f"Note: {found.note}.")] if found.note else []
    running = [_running(found)] if found.running else []
    parts: list[RenderableType] = [table, *skipped_lines(experiment), *note, *running]
    return Group(*parts)


def _running(found: GridStatus) -> PlainTable:
    left = f", about {duration(found.seconds_left)} left" if found.seconds_left is not None else ""
    table = PlainTable(f"running{left}", ["run"], ["step", "of", "score"])
    for one in found.running:
        step, score = ("", "") if one.step is None else (f"{one.step:,}", score_text(one.spec, one.score))
        table.add_row(one.spec.name, step, f"{one.spec.training.steps:,}", score)
    return table
