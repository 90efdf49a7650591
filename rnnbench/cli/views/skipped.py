"""How commands tell which runs are skipped, and why."""

from __future__ import annotations

from rich.text import Text

from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.skipped import skipped_runs
from rnnbench.text.wording import count_of


def grid_title(experiment: Experiment) -> str:
    """`copy-memory: 50 runs, 4 skipped`."""
    skipped = f", {len(experiment.skipped):,} skipped" if experiment.skipped else ""
    return f"{experiment.name}: {count_of(len(experiment.runs), 'run')}{skipped}"


def skipped_lines(experiment: Experiment) -> list[Text]:
    """A line for each reason."""
    return [Text(f"skipped: {runs}") for runs in skipped_runs(experiment.all_points)]
