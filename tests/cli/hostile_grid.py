"""A grid whose labels are as hard to print as labels may be."""

from __future__ import annotations

from rnnbench.experiment.definition import Experiment
from rnnbench.grid.status import GridStatus, Running

HOSTILE = ["[red]x[/red]", "[/]", "\"quotes\" 'n' <b>tags</b>", "مرحبا בעולם", "n" * 300]
GRID = Experiment.model_validate(
    {
        "name": "hostile",
        "tasks": {
            label: {"task": "copy_memory", "lag": [5, 200], "examples": 40 + at} for at, label in enumerate(HOSTILE)
        },
        "models": {label: {"model": "gru", "units": 8 + at} for at, label in enumerate(HOSTILE)},
    }
)
FOUND = GridStatus(
    states={spec.signature: "running" if place < 2 else "finished" for place, spec in enumerate(GRID.runs)},
    running=[Running(GRID.runs[0], None, float("nan")), Running(GRID.runs[1], 1500, 0.25)],
    seconds_left=61,
)
