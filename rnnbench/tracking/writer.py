"""Events to MLflow, each written once: the only place that writes to a store."""

from __future__ import annotations

import threading
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rnnbench.events import Answered, Diverged, Event, Failed, Finished, Measured, Profiled, Saved, Scored, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.backups import Backups
from rnnbench.tracking.failures import translate_errors
from rnnbench.tracking.location import Location
from rnnbench.tracking.logged_model import log_model
from rnnbench.tracking.names import MESSAGE_TAG, STATUS_TAG, TRACEBACK_ARTIFACT
from rnnbench.tracking.notes import (
    NOTE_TAG,
    dataset,
    failure_note,
    parameters,
    run_file,
    run_name,
    run_note,
    run_tags,
)
from rnnbench.tracking.open_run import OpenRun
from rnnbench.tracking.palette import colours
from rnnbench.tracking.relabelling import relabel
from rnnbench.tracking.report_run import log_report
from rnnbench.tracking.stored_experiment import StoredExperiment

if TYPE_CHECKING:
    from mlflow import MlflowClient

FLUSH_SECONDS = 2.0
"""How long a metric waits at most until it is in the store."""
_DONE = ("finished", "diverged")
_FAILURE_TAGS = {MESSAGE_TAG, NOTE_TAG}


class Tracker:
    """Writes one experiment's runs to an MLflow experiment of its name; one MLflow run for each signature.

    A context manager: inside it, what was measured is written every `FLUSH_SECONDS`, whether events come or not;
    leaving it marks the runs that still go on as interrupted. Every method raises `UserError` if the store cannot be
    written. MLflow is imported by the first write.
    """

    def __init__(self, location: Location, experiment: Experiment) -> None:
        location.check_writable()
        self.location = location
        self.experiment = experiment
        self.tracebacks: dict[str, str] = {}
        """Where the traceback of a failed run lies, by the run's name."""
        self._stored = StoredExperiment(location, experiment)
        self._specs = {spec.signature: spec for spec in experiment.runs}
        self._colours = colours(experiment.models)
        self._open: dict[str, OpenRun] = {}
        self._ended: set[str] = set()
        self._backups = Backups(location.store)
        self._flushed = time.monotonic()
        self._lock = threading.RLock()
        self._left = threading.Event()
        self._flusher = threading.Thread(target=self._keep_flushing, daemon=True)

    def __enter__(self) -> Self:
        self._flusher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self.interrupt()
        self._flusher.join()

    def statuses(self) -> dict[str, str]:
        """`running`, `finished`, `diverged`, `failed` or `interrupted` for each signature that the store knows.

        A driver that was killed leaves its runs `running`.
        """
        return self.location.reader.statuses(self.experiment.name)

    def finished(self) -> set[str]:
        """Signatures that need not be run again: finished, or diverged, which is a result too."""
        return {signature for signature, status in self.statuses().items() if status in _DONE}

    def is_done(self, signature: str) -> bool:
        """Whether a run is finished or diverged by now, whoever did it."""
        return any(run.status in _DONE for run in self._stored.attempts(signature))

    def bury(self, alive: Container[str]) -> None:
        """Mark the runs that a killed driver left `running` as interrupted, except those that are `alive`."""
        for run in self.location.reader.runs(self.experiment.name):
            # A server may hold runs of other people, of which nothing is known here.
            ours = self.location.database is not None or run.signature in self._specs
            if ours and run.status == "running" and run.signature not in alive:
                with self._writing():
                    self._terminate(run.run_id, "interrupted", "KILLED")

    def relabel(self) -> None:
        """Give stored runs, except those that still go on, the labels that the experiment file has now."""
        newest = self.location.reader.newest_runs(self.experiment.name)
        for spec in self.experiment.runs:
            run = newest.get(spec.signature)
            if run is not None and run.status != "running":
                with self._writing():
                    relabel(self._stored, spec, run, self._colours[spec.model_label])

    def discard(self, signatures: Iterable[str]) -> None:
        """Delete what the store holds of these runs (MLflow keeps deleted runs in its bin)."""
        with self._writing():
            for signature in signatures:
                self._stored.delete(self._stored.attempts(signature))

    def remember(self) -> None:
        """Note the overrides of this `run`, for `--last` and hints; where the store does not know the experiment yet,
        its first run does so."""
        self._stored.remember()

    def begin(self, spec: RunSpec, resumed: bool = False) -> None:
        """Open an MLflow run for a run that is about to start, in place of what an earlier attempt left.

        A run that is `resumed` goes on in the MLflow run of its last attempt: it will repeat what it said before, and
        only what is missing there is written. The first event of a run does the same as `begin`, so this is only
        needed to show the run earlier, or to resume it.
        """
        if resumed and spec.signature in self._open:
            return
        with self._writing():
            # Asked now and not at the start: another driver may have begun the run since, and died.
            earlier = self._stored.attempts(spec.signature)
            if resumed and earlier:
                run = OpenRun.reopened(self._client, earlier.pop().run_id, spec)
                # Before the store says that it runs: a second Ctrl-C may come in between, and `interrupt` after it.
                self._open[spec.signature] = run
                self._reopen(run)
            else:
                run = self._open[spec.signature] = OpenRun(self._create(spec), spec)
            self._ended.discard(spec.signature)
            new = {name: value for name, value in parameters(spec).items() if name not in run.parameters}
            self._stored.log(run.run_id, params=new)
            self._client.log_dict(run.run_id, run_file(spec), "run.json")
            self._stored.delete(earlier)

    def write(self, event: Event) -> None:
        """Take an event up. What is measured reaches the store within seconds, the end of a run at once.

        Events that come twice, or after the end of their run, are dropped.
        """
        with self._writing():
            if event.signature in self._ended:
                return
            if event.signature not in self._open:
                self.begin(self._specs[event.signature])
            run = self._open[event.signature]
            match event:
                case Started():
                    self._start(run, event)
                case Measured():
                    run.add(event.step, event.metrics)
                case Profiled():
                    run.add_profile(event)
                case Scored():
                    run.examples = event.scores
                case Answered():
                    run.answers = event.answers
                case Finished() | Diverged():
                    self._finish(run, event)
                case Saved():
                    log_model(self._client, self._stored.id, run.run_id, run.spec, event)
                case Failed():
                    self._fail(run, event)
        # The timer may have met a store that did not answer, and tells nobody.
        if time.monotonic() - self._flushed > 2 * FLUSH_SECONDS:
            self.flush()

    def back_up(self, now: bool = False) -> bool:
        """Copy a local database, if the share of the time that copies may take allows it, or `now`.

        True if all that was written is safe from damage to the file: it is copied, or on a server.
        """
        if not (now or self._backups.due):
            return False
        with self._lock:
            self._backups.make()
        return True

    def flush(self) -> None:
        """Write every metric that waits."""
        with self._writing():
            for run in self._open.values():
                run.write_metrics(self._client)
        self._flushed = time.monotonic()

    def interrupt(self) -> None:
        """Mark the runs that still go on as interrupted: the next `rnnbench run` tries them again."""
        with self._writing():
            for run in list(self._open.values()):
                self._end(run, "interrupted", "KILLED")

    def log_report(self, directory: Path, found: str = "") -> str:
        """Store a report's files as one more run of the kind `report`, in place of the last; its MLflow run id.

        If the last one has the same files, it stays. `found`: what the report says in short, Markdown for the note of
        the experiment.
        """
        with self._writing():
            return log_report(self._stored, directory, found)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One thread at a time, with what the store can raise in one line."""
        with self._lock, translate_errors(self.location.store):
            yield

    def _keep_flushing(self) -> None:
        while not self._left.wait(FLUSH_SECONDS):
            # What could not be written still waits, and the next event of a run says why.
            with suppress(Exception):
                self.flush()

    @property
    def _client(self) -> MlflowClient:
        return self._stored.client

    def _create(self, spec: RunSpec) -> str:
        tags = run_tags(spec, self._colours[spec.model_label])
        return self._client.create_run(self._stored.id, run_name=run_name(spec), tags=tags).info.run_id

    def _reopen(self, run: OpenRun) -> None:
        self._stored.log(run.run_id, tags=run_tags(run.spec, self._colours[run.spec.model_label]))
        for tag in _FAILURE_TAGS & self._client.get_run(run.run_id).data.tags.keys():
            self._client.delete_tag(run.run_id, tag)
        self._client.update_run(run.run_id, status="RUNNING")

    def _start(self, run: OpenRun, event: Started) -> None:
        run.add(0, {"parameters": event.parameters} | {f"level/{name}": level for name, level in event.levels.items()})
        self._stored.log(run.run_id, tags={f"environment.{key}": value for key, value in event.environment.items()})
        if event.data:
            self._client.log_inputs(run.run_id, datasets=[dataset(event.data)])

    def _finish(self, run: OpenRun, event: Finished | Diverged) -> None:
        # At step 0 MLflow's page draws one bar a run instead of a curve of one point.
        run.add(0, event.metrics)
        status = "finished" if isinstance(event, Finished) else "diverged"
        note = run_note(run.spec, run.run_id, status, event.metrics)
        self._end(run, status, "FINISHED", {NOTE_TAG: note})

    def _fail(self, run: OpenRun, event: Failed) -> None:
        lines = event.message.strip().splitlines() or ["no message"]
        tags = {MESSAGE_TAG: lines[0][:500]}
        if event.traceback:
            self._client.log_text(run.run_id, event.traceback, TRACEBACK_ARTIFACT)
            place = self.location.reader.place(self.experiment.name, run.run_id, TRACEBACK_ARTIFACT)
            self.tracebacks[run.spec.name] = place
            tags[NOTE_TAG] = failure_note(lines[0], event.traceback)
        self._end(run, "failed", "FAILED", tags)

    def _end(self, run: OpenRun, status: str, mlflow_status: str, tags: dict[str, str] | None = None) -> None:
        run.write_metrics(self._client)
        run.write_files(self._client)
        # The status is written last: a run that says `finished` is whole.
        self._terminate(run.run_id, status, mlflow_status, tags)
        del self._open[run.spec.signature]
        self._ended.add(run.spec.signature)

    def _terminate(self, run_id: str, status: str, mlflow_status: str, tags: dict[str, str] | None = None) -> None:
        self._stored.log(run_id, tags={**(tags or {}), STATUS_TAG: status})
        self._client.set_terminated(run_id, mlflow_status)
