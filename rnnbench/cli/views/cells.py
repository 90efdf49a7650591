"""Rows of a table by task and model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rnnbench.experiment.run_spec import RunSpec


def cells(specs: Iterable[RunSpec]) -> Iterator[tuple[str, str, list[RunSpec]]]:
    """Task, model and runs of each pair; the task is empty where it is that of the row above."""
    by_cell: dict[tuple[str, str], list[RunSpec]] = {}
    for spec in specs:
        by_cell.setdefault((spec.task_label, spec.model_label), []).append(spec)
    above = None
    for (task, model), runs in by_cell.items():
        yield task if task != above else "", model, runs
        above = task
