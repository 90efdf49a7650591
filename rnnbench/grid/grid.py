"""A grid from its experiment to its report: what `rnnbench run` and a notebook have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.errors import require_posix_module
from rnnbench.experiment.run_spec import one_of_each
from rnnbench.grid.observer import Observer, Stage
from rnnbench.grid.stages import needed, planned
from rnnbench.grid.workspace import to_do, work_place
from rnnbench.tracking.location import Location

if TYPE_CHECKING:
    from rnnbench.analysis.results import Results
    from rnnbench.execution.base import Executor
    from rnnbench.execution.checkpoints import Checkpoints
    from rnnbench.execution.executors import ExecutorFactory
    from rnnbench.execution.leases import Leases
    from rnnbench.experiment.definition import Experiment
    from rnnbench.experiment.run_spec import RunSpec
    from rnnbench.grid.remembered import Remembered
    from rnnbench.grid.report import Source
    from rnnbench.grid.status import GridStatus
    from rnnbench.report.headline import Headline
    from rnnbench.tracking.writer import Tracker


@dataclass
class Outcome:
    """How a grid went."""

    attempted: int = 0
    """Runs that had no result and were driven."""
    failed: dict[str, str] = field(default_factory=dict)
    """Run name: why."""
    signal: int | None = None
    """The signal that stopped it."""
    elsewhere: int = 0
    """Runs that another driver is still doing; that driver will write the report."""
    page: Path | None = None
    """The report; None if none was wanted, or the grid did not finish."""
    headline: Headline | None = None
    """What the report found; None without a report."""

    @property
    def complete(self) -> bool:
        return self.signal is None and not self.elsewhere


@dataclass(frozen=True)
class Grid:
    """An experiment and the store of its results."""

    experiment: Experiment
    location: Location
    store: Path | None = None
    """Directory of checkpoints and leases if the results go to a server."""
    made_by: str = "rnnbench.run_experiment(...)"
    """The command or call that reproduces the results, for the report."""

    def run(
        self, executors: ExecutorFactory, observer: Observer, out: Path | None = None, fresh: bool = False
    ) -> Outcome:
        """Do every run that the store does not have yet, and write the report into `out`, unless that is None.

        `fresh`: first discard what the store has of these runs. Raises `UserError` before anything is written if the
        data, the store or the cluster is missing. Where every run is skipped, nothing is written.
        """
        if not self.experiment.runs:
            observer.idle(self.experiment, done=0)
            return Outcome()
        from rnnbench.datasets.location import ensure_home
        from rnnbench.tracking.writer import Tracker

        require_posix_module("fcntl", "running a grid")
        ensure_home()
        if out is not None:
            import rnnbench.report  # noqa: F401  (raises where none can be drawn)
        executors.check(self.experiment.runs)
        for spec in one_of_each(self.experiment.runs):
            spec.check_current()
        checkpoints, leases = work_place(self.experiment, self.location, self.store)
        executor_for = executors.connect(checkpoints, observer.say)
        with Tracker(self.location, self.experiment) as tracker, leases:
            tracker.remember()
            waiting = to_do(self.experiment, tracker, leases, checkpoints, fresh)
            tracker.relabel()
            outcome = self._drive(waiting, executor_for, tracker, leases, checkpoints, observer)
            if outcome.complete and out is not None:
                self._conclude(tracker, outcome, out)
        return outcome

    def _drive(
        self,
        waiting: list[RunSpec],
        executor_for: Callable[[Sequence[RunSpec]], Executor],
        tracker: Tracker,
        leases: Leases,
        checkpoints: Checkpoints,
        observer: Observer,
    ) -> Outcome:
        from rnnbench.execution.driver import drive
        from rnnbench.execution.estimate import Estimate
        from rnnbench.tracking.past import past_runs

        outcome = Outcome()
        # Which runs are evaluated may depend on what the tuning seeds have found.
        while specs := needed(self.experiment, self.location, waiting):
            executor = executor_for(specs)
            done = len(self.experiment.runs) - len(waiting)
            stage = Stage(
                self.experiment,
                specs,
                executor.workers,
                first=outcome.attempted == 0,
                done=done,
                more=planned(self.experiment) - done - len(specs),
                seconds=Estimate(specs, past_runs(self.location)).seconds,
            )
            with observer.begin(stage) as progress:
                tally = drive(
                    specs, executor, tracker, progress, leases=leases, checkpoints=checkpoints, say=progress.say
                )
            observer.end(stage, tally, tracker.tracebacks)
            outcome.attempted += len(specs)
            outcome.failed |= tally.failed
            outcome.signal, outcome.elsewhere = tally.signal, tally.elsewhere
            if not outcome.complete:
                break
            attempted = {spec.signature for spec in specs}
            waiting = [spec for spec in waiting if spec.signature not in attempted]
        if not outcome.attempted:
            observer.idle(self.experiment, done=len(self.experiment.runs) - len(waiting))
        return outcome

    def results(self) -> Results:
        """The results in the store. Raises `UserError` if it has no run of this experiment."""
        from rnnbench.grid.results import load

        return load(self.location, self.experiment)

    def check_readable(self) -> None:
        """Raise `UserError` if no store answers; none is needed where every run is skipped."""
        if self.experiment.runs:
            self.location.check_readable()

    def status(self) -> GridStatus:
        """How far the grid is, according to the store. Raises `UserError` if no store answers."""
        from rnnbench.grid.status import look

        self.check_readable()
        return look(self.experiment, self.location, work_place(self.experiment, self.location, self.store)[1])

    def others(self) -> list[Remembered]:
        """Runs that the store has of the experiment under other overrides: see `remembered`."""
        from rnnbench.grid.remembered import others

        return others(self.experiment, self.location)

    def instead(self) -> str:
        """A line on the runs under other overrides, if the store has only those; else empty."""
        from rnnbench.grid.remembered import instead

        return instead(self.experiment, self.location)

    def note(self) -> str:
        """A line on stored runs that were matched without their data, which are absent; else empty."""
        if all(spec.fingerprint is not None for spec in self.experiment.runs):
            return ""
        from rnnbench.tracking.matching import matched

        return matched(self.location, self.experiment).note

    @property
    def source(self) -> Source:
        """The grid as input of a report, alone or with others."""
        from rnnbench.grid.report import Source

        return Source(self.experiment, self.location, self.made_by)

    def report(self, out: Path) -> Path:
        """Write the report of the stored runs; the path of its page. Raises `UserError` if there are none."""
        self.check_readable()
        # After the store has answered, because drawing takes a second to import.
        from rnnbench.grid.report import write

        return write([self.source], out)

    def _conclude(self, tracker: Tracker, outcome: Outcome, out: Path) -> None:
        from rnnbench.report.headline import Headline

        outcome.page, outcome.headline = out / "report.html", Headline(self.results())
        # Even if nothing was left to run: labels, lags or the description may have changed since the last report.
        self.report(out)
        tracker.log_report(out, outcome.headline.markdown())
