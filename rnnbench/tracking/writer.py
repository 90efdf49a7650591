"""Events to MLflow, each written once: the only place that writes to a store."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rnnbench.errors import UserError
from rnnbench.events import Diverged, Event, Failed, Finished, Measured, Profiled, Saved, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.location import Location, translate_errors
from rnnbench.tracking.logged_model import forget_models, log_model
from rnnbench.tracking.notes import (
    NOTE_TAG,
    REPORT,
    dataset,
    experiment_note,
    failure_note,
    parameters,
    report_digest,
    report_tags,
    run_file,
    run_name,
    run_note,
    run_tags,
)
from rnnbench.tracking.palette import colours
from rnnbench.tracking.profile_picture import picture
from rnnbench.tracking.reader import (
    ASKED_TAG,
    DIGEST_TAG,
    MESSAGE_TAG,
    PICTURE_ARTIFACT,
    PROFILE_ARTIFACT,
    STATUS_TAG,
    TRACEBACK_ARTIFACT,
    StoredRun,
    asked,
    attempts,
    newest_runs,
    place,
    statuses,
    stored_runs,
)
from rnnbench.tracking.relabelling import changed_tags, relabel_files
from rnnbench.tracking.views import views

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, RunTag

PROFILE_COLUMNS = ("step", "distance", "phase", "state", "median", "low", "high")
_BATCH = 1000
"""Metrics that MLflow takes in one call."""
FLUSH_SECONDS = 2.0
"""How long a metric waits at most until it is in the store."""
_COPYING_SHARE = 0.01
"""Share of the time that copies of the database may take."""
_ASKED_LENGTH = 4000
"""Characters of the overrides that are remembered; MLflow takes 5000 in a tag."""
_DONE = ("finished", "diverged")
_FAILURE_TAGS = {MESSAGE_TAG, NOTE_TAG}


@dataclass
class _OpenRun:
    """An MLflow run that goes on, with what has not been written yet."""

    run_id: str
    spec: RunSpec
    metrics: list[Metric] = field(default_factory=list)
    seen: set[tuple[str, int]] = field(default_factory=set)
    profile: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    parameters: set[str] = field(default_factory=set)
    """Those that the store has, and which no store lets be changed: a label may be another one by now."""

    @classmethod
    def reopened(cls, client: MlflowClient, run_id: str, spec: RunSpec) -> Self:
        """A run that was broken off, with what the store has of it."""
        data = client.get_run(run_id).data
        run = cls(run_id, spec, parameters=set(data.params))
        for key in data.metrics:
            run.seen.update((key, metric.step) for metric in client.get_metric_history(run_id, key))
        return run

    def add(self, step: int, metrics: dict[str, float]) -> None:
        """Take metrics up, but for those that a repeated event brings a second time."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        for key, value in metrics.items():
            if (key, step) not in self.seen:
                self.seen.add((key, step))
                self.metrics.append(Metric(key, float(value), now, step))

    def add_profile(self, event: Profiled) -> None:
        if (event.phase, event.step) in self.seen:
            return
        self.seen.add((event.phase, event.step))
        rows = len(event.columns["distance"])
        for name in PROFILE_COLUMNS:
            constant = {"step": event.step, "phase": event.phase}.get(name)
            self.profile[name] += event.columns[name] if constant is None else [constant] * rows


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
        self._specs = {spec.signature: spec for spec in experiment.runs}
        self._colours = colours(experiment.models)
        self._open: dict[str, _OpenRun] = {}
        self._ended: set[str] = set()
        self.tracebacks: dict[str, str] = {}
        """Where that of a failed run lies, by its name."""
        self._flushed = time.monotonic()
        self._copy_due = 0.0
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
        return statuses(self.location, self.experiment.name)

    def finished(self) -> set[str]:
        """Signatures that need not be run again: finished, or diverged, which is a result too."""
        return {signature for signature, status in self.statuses().items() if status in _DONE}

    def is_done(self, signature: str) -> bool:
        """Whether a run is finished or diverged by now, whoever did it."""
        return any(run.status in _DONE for run in self._attempts(signature))

    def bury(self, alive: Container[str]) -> None:
        """Mark the runs that a killed driver left `running` as interrupted, but for those that are `alive`."""
        for run in stored_runs(self.location, self.experiment.name):
            # On a server there may be others' runs, of which nothing is known here.
            ours = self.location.database is not None or run.signature in self._specs
            if ours and run.status == "running" and run.signature not in alive:
                with self._writing():
                    self._terminate(run.run_id, "interrupted", "KILLED")

    def relabel(self) -> None:
        """Give the runs that the store has, but for those that go on, the labels that the experiment file has now."""
        stored = newest_runs(self.location, self.experiment.name)
        for spec in self.experiment.runs:
            run = stored.get(spec.signature)
            if run is None or run.status == "running":
                continue
            if tags := changed_tags(spec, run, self._colours[spec.model_label]):
                with self._writing():
                    where = self.experiment.name, self._experiment_id
                    relabel_files(self._client, self.location, where, spec, run.run_id)
                    # Last: by them it is known what is still to do.
                    self._log(run.run_id, tags=tags)

    def discard(self, signatures: Iterable[str]) -> None:
        """Delete what the store holds of these runs (MLflow keeps deleted runs in its bin)."""
        with self._writing():
            for signature in signatures:
                self._delete(self._attempts(signature))

    def remember(self) -> None:
        """Note the overrides of this `run`, for `--last` and hints; where the store does not know the experiment yet,
        its first run does so."""
        known = asked(self.location, self.experiment.name)
        if known is None:
            return
        now = list(self.experiment.overrides)
        noted = [*(earlier for earlier in known if earlier != now), now]
        while len(json.dumps(noted)) > _ASKED_LENGTH and len(noted) > 1:
            del noted[0]
        if noted != known:
            self._note(json.dumps(noted))

    def begin(self, spec: RunSpec, resumed: bool = False) -> None:
        """Open an MLflow run for a run that is about to start, in place of what an earlier attempt left.

        A run that is `resumed` goes on in the MLflow run of its last attempt: it will say again what it said before,
        and only what is missing there is written. The first event of a run does the same as `begin`, so this is only
        needed to show it earlier, or to resume it.
        """
        if resumed and spec.signature in self._open:
            return
        with self._writing():
            # Asked now and not at the start: another driver may have begun the run since, and died.
            earlier = self._attempts(spec.signature)
            if resumed and earlier:
                run = _OpenRun.reopened(self._client, earlier.pop().run_id, spec)
                # Before the store says that it runs: a second Ctrl-C may come in between, and `interrupt` after it.
                self._open[spec.signature] = run
                self._reopen(run.run_id, spec)
            else:
                tags = run_tags(spec, self._colours[spec.model_label])
                made = self._client.create_run(self._experiment_id, run_name=run_name(spec), tags=tags)
                run = self._open[spec.signature] = _OpenRun(made.info.run_id, spec)
            self._ended.discard(spec.signature)
            new = {name: value for name, value in parameters(spec).items() if name not in run.parameters}
            self._log(run.run_id, params=new)
            self._client.log_dict(run.run_id, run_file(spec), "run.json")
            self._delete(earlier)

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
                case Finished() | Diverged():
                    # At step 0 the page draws one bar a run instead of a line of one point.
                    run.add(0, event.metrics)
                    status = "finished" if isinstance(event, Finished) else "diverged"
                    note = run_note(run.spec, run.run_id, status, event.metrics)
                    self._end(event.signature, status, "FINISHED", {NOTE_TAG: note})
                case Saved():
                    log_model(self._client, self._experiment_id, run.run_id, run.spec, event)
                case Failed():
                    self._fail(run, event)
        # The timer may have met a store that did not answer, and tells nobody.
        if time.monotonic() - self._flushed > 2 * FLUSH_SECONDS:
            self.flush()

    def back_up(self, now: bool = False) -> bool:
        """Copy a local database, if the share of the time that copies may take allows it, or `now`.

        True if all that was written is safe from damage to the file: it is copied, or on a server.
        """
        began = time.monotonic()
        if not now and began < self._copy_due:
            return False
        with self._lock:
            self.location.back_up()
        ended = time.monotonic()
        self._copy_due = ended + (ended - began) / _COPYING_SHARE
        return True

    def flush(self) -> None:
        """Write every metric that waits."""
        with self._writing():
            for run in self._open.values():
                self._flush(run)
        self._flushed = time.monotonic()

    def interrupt(self) -> None:
        """Mark the runs that still go on as interrupted: the next `rnnbench run` tries them again."""
        with self._writing():
            for signature in list(self._open):
                self._end(signature, "interrupted", "KILLED")

    def log_report(self, directory: Path, found: str = "") -> str:
        """Store a report's files as one more run of the kind `report`, in place of the last; its MLflow run id.

        If the last one has the same files, it stays. `found`: what the report says in short, Markdown for the note of
        the experiment.
        """
        digest = report_digest(directory, self.experiment.description, found)
        with self._writing():
            earlier = stored_runs(self.location, self.experiment.name, kind=REPORT)
            if earlier and earlier[-1].tags.get(DIGEST_TAG) == digest:
                return earlier[-1].run_id
            run_id = self._client.create_run(self._experiment_id, run_name=REPORT, tags=report_tags()).info.run_id
            self._client.log_artifacts(run_id, str(directory))
            self._client.set_terminated(run_id)
            self._delete(earlier)
            note = experiment_note(self.experiment, self._experiment_id, run_id, found)
            self._client.set_experiment_tag(self._experiment_id, NOTE_TAG, note)
            # Last, so that a report that was broken off is stored again.
            self._log(run_id, tags={DIGEST_TAG: digest})
        return run_id

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One thread at a time, with what the store can raise in one line."""
        with self._lock, translate_errors(self.location):
            yield

    def _keep_flushing(self) -> None:
        while not self._left.wait(FLUSH_SECONDS):
            # What could not be written still waits, and the next event of a run tells why.
            with suppress(Exception):
                self.flush()

    @cached_property
    def _client(self) -> MlflowClient:
        return self.location.client()

    @cached_property
    def _experiment_id(self) -> str:
        experiment_id = self._open_experiment()
        for tag, view in views(self.experiment).items():
            self._client.set_experiment_tag(experiment_id, tag, view)
        self.remember()
        return experiment_id

    def _note(self, overrides: str) -> None:
        name = self.experiment.name
        if self.location.database is None:
            with translate_errors(self.location):
                found = self._client.get_experiment_by_name(name)
                self._client.set_experiment_tag(found.experiment_id, ASKED_TAG, overrides)
            return
        # MLflow takes 5 s to import, and there may be nothing else to write.
        with self.location.connect(mode="rw") as connection:
            connection.execute(
                "INSERT OR REPLACE INTO experiment_tags (key, value, experiment_id) "
                "SELECT ?, ?, experiment_id FROM experiments WHERE name = ?",
                (ASKED_TAG, overrides, name),
            )
            connection.commit()

    def _open_experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        name, artifacts = self.experiment.name, self.location.artifacts
        place = None if artifacts is None else (artifacts / name).as_uri()
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                made = self._client.create_experiment(name, place)
                self._client.set_experiment_tag(made, NOTE_TAG, experiment_note(self.experiment, made))
                return made
            except MlflowException:
                found = self._client.get_experiment_by_name(name)  # Another driver was quicker.
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise UserError(
                f"{self.location}: experiment '{name}' was deleted in MLflow: restore it there, or choose another name"
            )
        return found.experiment_id

    def _start(self, run: _OpenRun, event: Started) -> None:
        run.add(0, {"parameters": event.parameters} | {f"level/{name}": level for name, level in event.levels.items()})
        self._log(run.run_id, tags={f"environment.{key}": value for key, value in event.environment.items()})
        if event.data:
            self._client.log_inputs(run.run_id, datasets=[dataset(event.data)])

    def _fail(self, run: _OpenRun, event: Failed) -> None:
        lines = event.message.strip().splitlines() or ["no message"]
        tags = {MESSAGE_TAG: lines[0][:500]}
        if event.traceback:
            self._client.log_text(run.run_id, event.traceback, TRACEBACK_ARTIFACT)
            self.tracebacks[run.spec.name] = place(self.location, self.experiment.name, run.run_id, TRACEBACK_ARTIFACT)
            tags[NOTE_TAG] = failure_note(lines[0], event.traceback)
        self._end(event.signature, "failed", "FAILED", tags)

    def _end(self, signature: str, status: str, mlflow_status: str, tags: dict[str, str] | None = None) -> None:
        run = self._open[signature]
        self._flush(run)
        if run.profile:
            self._log_profile(run)
        # The status is the last thing written: a run that says `finished` is whole.
        self._terminate(run.run_id, status, mlflow_status, tags)
        del self._open[signature]
        self._ended.add(signature)

    def _terminate(self, run_id: str, status: str, mlflow_status: str, tags: dict[str, str] | None = None) -> None:
        self._log(run_id, tags={**(tags or {}), STATUS_TAG: status})
        self._client.set_terminated(run_id, mlflow_status)

    def _reopen(self, run_id: str, spec: RunSpec) -> None:
        self._log(run_id, tags=run_tags(spec, self._colours[spec.model_label]))
        for tag in _FAILURE_TAGS & self._client.get_run(run_id).data.tags.keys():
            self._client.delete_tag(run_id, tag)
        self._client.update_run(run_id, status="RUNNING")

    def _flush(self, run: _OpenRun) -> None:
        while run.metrics:
            self._client.log_batch(run.run_id, metrics=run.metrics[:_BATCH])
            del run.metrics[:_BATCH]

    def _log_profile(self, run: _OpenRun) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with tempfile.TemporaryDirectory() as folder:
            pq.write_table(pa.table(dict(run.profile)), Path(folder) / PROFILE_ARTIFACT)
            drawn = picture(run.spec.name, run.spec.task.lag, run.profile)
            (Path(folder) / PICTURE_ARTIFACT).write_text(drawn, encoding="utf-8")
            self._client.log_artifacts(run.run_id, folder)

    def _log(self, run_id: str, params: dict[str, str] | None = None, tags: dict[str, str] | None = None) -> None:
        from mlflow.entities import Param, RunTag

        entities: list[RunTag] = [RunTag(key, value) for key, value in (tags or {}).items()]
        self._client.log_batch(run_id, params=[Param(*item) for item in (params or {}).items()], tags=entities)

    def _attempts(self, signature: str) -> list[StoredRun]:
        return attempts(self.location, self.experiment.name, signature)

    def _delete(self, runs: Iterable[StoredRun]) -> None:
        for run in runs:
            self._client.delete_run(run.run_id)
            if self.experiment.log_model:
                forget_models(self._client, self._experiment_id, run.run_id)
