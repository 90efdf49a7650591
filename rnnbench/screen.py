"""What a person sees of a grid from its start to its end, in a terminal, a log or a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console

from rnnbench.execution.driver import Tally
from rnnbench.experiment import Experiment, RunSpec
from rnnbench.progress import GridProgress
from rnnbench.stages import planned


@dataclass
class Screen:
    """Says how a grid goes: on `console`, and on `errors` what failed."""

    console: Console = field(default_factory=lambda: Console(highlight=False))
    errors: Console = field(default_factory=lambda: Console(highlight=False, stderr=True))
    _begun: bool = False

    def say(self, line: str) -> None:
        """Print a line as it is."""
        self.console.print(line, markup=False, soft_wrap=True)

    def begin(self, experiment: Experiment, done: int) -> None:
        """Tell how large the grid is and how much of it was done before."""
        before = f", {done} finished before" if done else ""
        nothing = "" if done < planned(experiment) else ", nothing to run"
        self.say(f"{experiment.name}: {planned(experiment)} runs{before}{nothing}")

    def progress(self, specs: Sequence[RunSpec], workers: int, more: int) -> GridProgress:
        """What shows the events of some runs; `more`: how many may come after them."""
        chosen = "learning rates chosen: " if self._begun and not more else ""
        then = f", then {more} to evaluate" if more > 0 else ""
        self.say(f"{chosen}{len(specs)} to {'evaluate' if chosen else 'run'} with {_workers(workers)}{then}")
        self._begun = True
        return GridProgress(specs, workers, self.console)

    def end(self, tally: Tally, total: int) -> None:
        """Tell how those runs ended."""
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
            self.errors.print(f"failed: {name}: {message}", style="red", markup=False, soft_wrap=True)


def _workers(count: int) -> str:
    return f"{count} worker{'s' * (count > 1)}"
