"""What a person sees of a grid from its start to its end, in a terminal, a log or a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console

from rnnbench.cli.progress import GridProgress
from rnnbench.cli.words import shortened
from rnnbench.execution.driver import Tally
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.skipped import skipped_runs
from rnnbench.grid.observer import Observer, Stage
from rnnbench.grid.stages import planned
from rnnbench.text.wording import count_of


@dataclass(frozen=True)
class Screen(Observer):
    """Tells how a grid goes on `console`, and what failed on `errors`."""

    console: Console = field(default_factory=lambda: Console(highlight=False))
    errors: Console = field(default_factory=lambda: Console(highlight=False, stderr=True))

    def say(self, line: str) -> None:
        self.console.print(line, markup=False, soft_wrap=True)

    def idle(self, experiment: Experiment, done: int) -> None:
        self.say(f"{_grid(experiment, done)}, nothing to run")
        self._say_skipped(experiment)

    def begin(self, stage: Stage) -> GridProgress:
        if stage.first:
            workers = count_of(stage.workers, "worker")
            then = ", then those to evaluate" if stage.more > 0 else ""
            self.say(f"{_grid(stage.experiment, stage.done)}, {len(stage.specs)} to run with {workers}{then}")
            self._say_skipped(stage.experiment)
            if not stage.done:
                self._explain(stage.experiment)
        else:
            select = stage.experiment.select
            what = "values" if select is None else ", ".join(axis.replace("_", " ") for axis in select.axes)
            self.say(f"{what} chosen: {len(stage.specs)} to evaluate")
        return GridProgress(stage.specs, stage.workers, self.console, stage.seconds)

    def end(self, stage: Stage, tally: Tally, tracebacks: Mapping[str, str]) -> None:
        ended = tally.finished + tally.diverged + len(tally.failed) + tally.done_elsewhere
        counts = {
            "finished": tally.finished,
            "diverged": tally.diverged,
            "failed": len(tally.failed),
            "done by another `rnnbench run`": tally.done_elsewhere,
            "not done": len(stage.specs) - ended - tally.elsewhere,
        }
        self.say(", ".join(f"{count} {what}" for what, count in counts.items() if count or what == "finished"))
        if tally.elsewhere:
            runs = "1 run is" if tally.elsewhere == 1 else f"{tally.elsewhere} runs are"
            self.say(f"{runs} being done by another `rnnbench run`, which will write the report")
        for name, message in tally.failed.items():
            where = f" (traceback: {tracebacks[name]})" if tracebacks.get(name) else ""
            self.errors.print(f"failed: {name}: {shortened(message)}{where}", style="red", markup=False, soft_wrap=True)

    def _explain(self, experiment: Experiment) -> None:
        """What a first run is about."""
        steps = max(spec.training.steps for spec in experiment.runs)
        text = (
            "lag: steps of filler between what a sequence says and where the answer is asked. Memory horizon: the "
            f"longest lag that half of the seeds solve. What fails was not learnt in {steps:,} steps; that is no "
            "limit of the cell. Ctrl-C stops in order, the same command goes on."
        )
        self.console.print(text, style="dim", markup=False)

    def _say_skipped(self, experiment: Experiment) -> None:
        for runs in skipped_runs(experiment.all_points):
            self.say(f"skipped: {runs}")


def _grid(experiment: Experiment, done: int) -> str:
    before = f", {done} finished before" if done else ""
    skipped = f", {len(experiment.skipped):,} skipped" if experiment.skipped else ""
    return f"{experiment.name}: {count_of(planned(experiment), 'run')}{skipped}{before}"
