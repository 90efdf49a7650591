"""What a person sees while a grid runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.table import Column

from rnnbench.cli.words import duration, score_text, shortened
from rnnbench.events import Dispatched, Diverged, Event, Failed, Finished, Measured, Started, Warned
from rnnbench.execution.estimate import Estimate
from rnnbench.experiment.run_spec import RunSpec

_WIDE = 100
"""Columns of a terminal from which the loss is shown too."""


def is_live(console: Console) -> bool:
    """Whether lines can be drawn over: neither in a log, even if colours are forced there, nor in a notebook."""
    return console.is_interactive and console.file.isatty()


class GridProgress:
    """Shows each event of a grid; a context manager."""

    def __init__(
        self,
        specs: Sequence[RunSpec],
        workers: int,
        console: Console,
        seconds: Callable[[RunSpec], float] | None = None,
    ) -> None:
        """`seconds`: about how long a run takes, from which the time left is told; default: by its size."""
        self._console = console
        self._seconds = seconds or Estimate(specs).seconds
        self._workers = workers
        self._total = len(specs)
        self._ended = 0
        self._began = time.monotonic()
        self._to_come = sum(map(self._seconds, specs))
        self._done = 0.0
        self._rows: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._live = is_live(console)
        self._bars = Progress(
            *self._columns(), console=console, refresh_per_second=2, expand=True, disable=not self._live
        )
        self._overall = self._bars.add_task("all runs", total=self._total, loss="", score="starting (10 s)", left="")

    def _columns(self) -> list[ProgressColumn]:
        # Fixed widths, except for the name, so that nothing jumps as numbers grow and shrink.
        name = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        steps = TextColumn("{task.completed:.0f}/{task.total:.0f}", table_column=_fixed(11))
        loss = [_field("loss", 13)] if self._console.width >= _WIDE else []
        columns = [_field("description", column=name), BarColumn(8), steps, *loss, _field("score", 17)]
        return [*columns, _field("left", 11)]

    def __enter__(self) -> GridProgress:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def __call__(self, spec: RunSpec, event: Event) -> None:
        match event:
            case Dispatched():
                self._drop(event.signature)
                self._rows[event.signature] = self._bars.add_task(
                    spec.name, total=spec.training.steps, loss="", score="loading the data", left=""
                )
            case Warned(message=message):
                self.say(f"{spec.name}: {message}")
            case Started():
                self._started[event.signature] = time.monotonic()
                self._show(event.signature, 0, score="compiling")
            case Measured(metrics=metrics) if "validation/loss" in metrics:
                score = metrics[f"validation/{spec.task.score.name}"]
                loss = metrics.get("train/loss", metrics["validation/loss"])
                fields = {"loss": f"loss {loss:.3g}", "score": score_text(spec, score)}
                self._show(event.signature, event.step, left=self._run_left(spec, event), **fields)
            case Finished() | Diverged() | Failed():
                self._end(spec, event)

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _drop(self, signature: str) -> None:
        if signature in self._rows:
            self._bars.remove_task(self._rows.pop(signature))

    def _show(self, signature: str, step: int, **fields: Any) -> None:
        self._bars.update(self._rows[signature], completed=step, **fields)

    def _run_left(self, spec: RunSpec, event: Measured) -> str:
        if not event.step:
            return ""
        elapsed = time.monotonic() - self._started[event.signature]
        return f"{duration(elapsed * (spec.training.steps / event.step - 1))} left"

    def _end(self, spec: RunSpec, event: Finished | Diverged | Failed) -> None:
        self._drop(event.signature)
        self._ended += 1
        self._done += self._seconds(spec)
        left = self._time_left()
        self._bars.update(self._overall, completed=self._ended, score="", left=f"{left} left" if left else "")
        if isinstance(event, Failed) or not self._live:
            position = f"[{self._ended:>{len(str(self._total))}}/{self._total}]"
            after = f"  ({left} left)" if left else ""
            self.say(f"{position} {spec.name}: {_ending(spec, event)}{after}")

    def _time_left(self) -> str:
        remaining = self._to_come - self._done
        elapsed = time.monotonic() - self._began
        # The first runs include the start of the workers and say little about the others.
        known = remaining > 0 and self._ended >= 2 * self._workers
        return duration(remaining * elapsed / self._done) if known else ""


def _fixed(width: int) -> Column:
    return Column(width=width, no_wrap=True, overflow="ellipsis")


def _field(name: str, width: int = 0, column: Column | None = None) -> TextColumn:
    text = "{task.description}" if name == "description" else f"{{task.fields[{name}]}}"
    return TextColumn(text, markup=False, table_column=column or _fixed(width))


def _ending(spec: RunSpec, event: Finished | Diverged | Failed) -> str:
    if isinstance(event, Failed):
        return f"FAILED: {shortened(event.message)}"
    metrics = event.metrics
    words = [
        score_text(spec, metrics["score"], 4),
        f"{event.step} steps",
        f"{metrics['seconds']:.1f} s",
    ]
    if isinstance(event, Diverged):
        words.insert(0, "diverged")
    elif metrics.get("solved"):
        words.insert(0, "solved")
    return ", ".join(words)
