"""What `rnnbench plan` shows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from rnnbench.cli.tables import PlainTable
from rnnbench.cli.views.cells import cells
from rnnbench.cli.views.skipped import grid_title, skipped_lines
from rnnbench.cli.words import duration, span
from rnnbench.execution.estimate import Estimate, PastRun, worthwhile_shards
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.stages import expected, planned
from rnnbench.text.wording import count_of


def plan(experiment: Experiment, workers: int, past: Sequence[PastRun] = (), place: str = "", cores: int = 1) -> Group:
    """How many runs a grid has, how large they are, and about how long they take.

    `past`: the runs from which the time is estimated; `place`: the store that has them; `cores`: of the machine.
    """
    estimate = Estimate(experiment.runs, past)
    table = PlainTable(
        f"{grid_title(experiment)}, equal {experiment.match}",
        ["task", "model"],
        ["lag", "units", "parameters", "steps", "runs", *(["skipped"] if experiment.skipped else []), "at most"],
    )
    for task, model, specs in cells(experiment.whole_grid):
        runs = [spec for spec in specs if spec.skipped is None]
        skipped = [str(len(specs) - len(runs) or "")] if experiment.skipped else []
        seconds = sum(estimate.seconds(spec, whole_budget=True) for spec in runs)
        table.add_row(
            task,
            model,
            span(spec.task.lag for spec in specs),
            span(spec.model.units for spec in specs),
            span(spec.model.parameters(spec.task.ports.width) for spec in specs),
            span(spec.training.steps for spec in specs),
            str(len(runs) or ""),
            *skipped,
            duration(seconds / workers) if runs else "",
        )
    sentences = Text(" ".join(_sentences(experiment, workers, estimate, place)))
    return Group(table, *skipped_lines(experiment), sentences, *_advice(experiment, cores))


def _advice(experiment: Experiment, cores: int) -> list[Text]:
    """A line where shards would use cores for which there is no run."""
    shards = worthwhile_shards(experiment.runs, planned(experiment), cores)
    if shards == 1:
        return []
    return [
        Text(f"Fewer runs than cores: training.shards={shards} has each run use {shards} cores (last digits differ).")
    ]


def _sentences(experiment: Experiment, workers: int, estimate: Estimate, place: str) -> list[str]:
    if not experiment.runs:
        return ["Every run of the grid is skipped: there is nothing to run."]
    sentences = []
    runs, to_do, points = len(experiment.runs), planned(experiment), len(experiment.points)
    if to_do < runs:
        sentences.append(f"Only {to_do} of them will be done: evaluation seeds run at the chosen values alone.")
    if points > runs:
        sentences.append(
            f"The {points} points of the grid are fewer runs: at the shortest lag all protocols are the same run."
        )
    sentences.append(f"Data: {', '.join(sorted({spec.task.data_source for spec in experiment.runs}))}.")
    total = duration(estimate.total(expected(experiment), workers))
    sentences.append(
        f"About {total} with {count_of(workers, 'worker')}, start-up and compilation included; "
        f"{_basis(experiment, estimate, place)}"
    )
    return sentences


def _basis(experiment: Experiment, estimate: Estimate, place: str) -> str:
    """What the time is estimated from."""
    if not estimate.past:
        none = f"{place} has no runs yet" if place else "there are no runs to go by"
        return f"a guess for runs that use their whole budget, because {none}."
    known = [estimate.knows(spec) for spec in experiment.runs]
    kinds = "of the same kinds" if all(known) else "some of the same kinds" if any(known) else "of other kinds"
    return f"estimated from {count_of(estimate.past, 'run')} in {place}, {kinds}."
