"""What a person sees of a grid from its start to its end, in a terminal, a log or a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console

from rnnbench.cli.progress import GridProgress, brief
from rnnbench.execution.driver import Tally
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.grid.stages import planned
from rnnbench.text.wording import count_of


@dataclass
class Screen:
    """Says how a grid goes: on `console`, and on `errors` what failed."""

    console: Console = field(default_factory=lambda: Console(highlight=False))
    errors: Console = field(default_factory=lambda: Console(highlight=False, stderr=True))
    _opening: str = field(default="", init=False)

    def say(self, line: str) -> None:
        """Print a line as it is."""
        self.console.print(line, markup=False, soft_wrap=True)

    def begin(self, experiment: Experiment, done: int) -> None:
        """Take in how large the grid is and how much of it was done before: it is told with what comes next."""
        before = f", {done} finished before" if done else ""
        self._opening = f"{experiment.name}: {count_of(planned(experiment), 'run')}{before}"

    def idle(self) -> None:
        """Tell that there is nothing to do."""
        self.say(f"{self._opening}, nothing to run")

    def progress(
        self,
        specs: Sequence[RunSpec],
        workers: int,
        more: int,
        seconds: Callable[[RunSpec], float] | None = None,
    ) -> GridProgress:
        """What shows the events of some runs; `more`: how many may come after them; `seconds`: what one may take."""
        if self._opening:
            then = ", then those to evaluate" if more > 0 else ""
            self.say(f"{self._opening}, {len(specs)} to run with {count_of(workers, 'worker')}{then}")
        else:
            self.say(f"learning rates chosen: {len(specs)} to evaluate")
        self._opening = ""
        return GridProgress(specs, workers, self.console, seconds)

    def end(self, tally: Tally, total: int, tracebacks: Mapping[str, str] | None = None) -> None:
        """Tell how those runs ended. `tracebacks`: where that of a failed run lies, by its name."""
        ended = tally.finished + tally.diverged + len(tally.failed) + tally.done_elsewhere
        counts = {
            "finished": tally.finished,
            "diverged": tally.diverged,
            "failed": len(tally.failed),
            "done by another `rnnbench run`": tally.done_elsewhere,
            "not done": total - ended - tally.elsewhere,
        }
        said = [f"{count} {what}" for what, count in counts.items() if count or what == "finished"]
        self.say(", ".join(said))
        if tally.elsewhere:
            runs = "1 run is" if tally.elsewhere == 1 else f"{tally.elsewhere} runs are"
            self.say(f"{runs} being done by another `rnnbench run`, which will write the report")
        for name, message in tally.failed.items():
            place = (tracebacks or {}).get(name)
            where = f" (traceback: {place})" if place else ""
            self.errors.print(f"failed: {name}: {brief(message)}{where}", style="red", markup=False, soft_wrap=True)
