"""Events to MLflow, each written once: the only place that writes to a store."""

from __future__ import annotations

import json
import platform
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import rnnbench
from rnnbench.errors import UserError
from rnnbench.events import Diverged, Event, Failed, Finished, Measured, Profiled, Started
from rnnbench.experiment import Experiment, RunSpec
from rnnbench.mlflow_ui import VIEW_TAG, view
from rnnbench.palette import colours
from rnnbench.store import Location, explained
from rnnbench.stored import (
    KIND_TAG,
    MESSAGE_TAG,
    PROFILE_ARTIFACT,
    SIGNATURE_TAG,
    STATUS_TAG,
    StoredRun,
    attempts,
    statuses,
    stored_runs,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, RunTag

PROFILE_COLUMNS = ("step", "distance", "phase", "state", "median", "low", "high")
_BATCH = 1000
"""Metrics that MLflow takes in one call."""
_FLUSH_SECONDS = 5.0
_COPYING_SHARE = 0.01
"""Share of the time that copies of the database may take."""
_NOTE_LENGTH = 4000
"""Characters of a traceback shown on the page of its run; the artifact has all of it."""
_DONE = ("finished", "diverged")
_NOTE_TAG = "mlflow.note.content"
_FAILURE_TAGS = {MESSAGE_TAG, _NOTE_TAG}


@dataclass
class _OpenRun:
    """An MLflow run that goes on, with what has not been written yet."""

    run_id: str
    metrics: list[Metric] = field(default_factory=list)
    seen: set[tuple[str, int]] = field(default_factory=set)
    profile: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def reopened(cls, client: MlflowClient, run_id: str) -> Self:
        """A run that was broken off, with what the store has of it."""
        run = cls(run_id)
        for key in client.get_run(run_id).data.metrics:
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

    A context manager: leaving it marks the runs that still go on as interrupted. Every method raises `UserError` if the
    store cannot be written. MLflow is imported by the first write.
    """

    def __init__(self, location: Location, experiment: Experiment) -> None:
        location.check_writable()
        self.location = location
        self.experiment = experiment
        self._specs = {spec.signature: spec for spec in experiment.runs}
        self._colours = colours(experiment.models)
        self._open: dict[str, _OpenRun] = {}
        self._ended: set[str] = set()
        self._flushed = time.monotonic()
        self._copy_due = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupt()

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
                with explained(self.location):
                    self._terminate(run.run_id, "interrupted", "KILLED")

    def discard(self, signatures: Iterable[str]) -> None:
        """Delete what the store holds of these runs (MLflow keeps deleted runs in its bin)."""
        with explained(self.location):
            for signature in signatures:
                self._delete(self._attempts(signature))

    def begin(self, spec: RunSpec, resumed: bool = False) -> None:
        """Open an MLflow run for a run that is about to start, in place of what an earlier attempt left.

        A run that is `resumed` goes on in the MLflow run of its last attempt: it will say again what it said before,
        and only what is missing there is written. The first event of a run does the same as `begin`, so this is only
        needed to show it earlier, or to resume it.
        """
        if resumed and spec.signature in self._open:
            return
        with explained(self.location):
            # Asked now and not at the start: another driver may have begun the run since, and died.
            earlier = self._attempts(spec.signature)
            if resumed and earlier:
                run = _OpenRun.reopened(self._client, earlier.pop().run_id)
                self._reopen(run.run_id, spec)
            else:
                made = self._client.create_run(self._experiment_id, run_name=spec.name, tags=self._tags(spec))
                run = _OpenRun(made.info.run_id)
            self._open[spec.signature] = run
            self._ended.discard(spec.signature)
            self._log(run.run_id, params=parameters(spec))
            self._client.log_dict(run.run_id, {"name": spec.name, **spec.settings}, "run.json")
            self._delete(earlier)

    def write(self, event: Event) -> None:
        """Take an event up. What is measured reaches the store within seconds, the end of a run at once.

        Events that come twice, or after the end of their run, are dropped.
        """
        if event.signature in self._ended:
            return
        if event.signature not in self._open:
            self.begin(self._specs[event.signature])
        run = self._open[event.signature]
        with explained(self.location):
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
                    self._end(event.signature, "finished" if isinstance(event, Finished) else "diverged", "FINISHED")
                case Failed():
                    self._fail(run, event)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def back_up(self, now: bool = False) -> bool:
        """Copy a local database, if the share of the time that copies may take allows it, or `now`.

        True if all that was written is safe from damage to the file: it is copied, or on a server.
        """
        began = time.monotonic()
        if not now and began < self._copy_due:
            return False
        self.location.back_up()
        ended = time.monotonic()
        self._copy_due = ended + (ended - began) / _COPYING_SHARE
        return True

    def flush(self) -> None:
        """Write every metric that waits."""
        with explained(self.location):
            for run in self._open.values():
                self._flush(run)
        self._flushed = time.monotonic()

    def interrupt(self) -> None:
        """Mark the runs that still go on as interrupted: the next `rnnbench run` tries them again."""
        with explained(self.location):
            for signature in list(self._open):
                self._end(signature, "interrupted", "KILLED")

    def log_report(self, directory: Path) -> str:
        """Store a report's files as one more run of the kind `report`, in place of the last; its MLflow run id."""
        with explained(self.location):
            earlier = stored_runs(self.location, self.experiment.name, kind="report")
            # The page groups by the tag `model` and shows the newest group first.
            tags = {KIND_TAG: "report", "model": "report", "mlflow.runColor": "#444444", **_origin()}
            run_id = self._client.create_run(self._experiment_id, run_name="report", tags=tags).info.run_id
            self._client.log_artifacts(run_id, str(directory))
            self._client.set_terminated(run_id)
            self._delete(earlier)
            link = (
                f"#/experiments/{self._experiment_id}/runs/{run_id}/artifacts/report.html?workflowType=machine_learning"
            )
            note = f"**[Report]({link})** · {self.experiment.description}"
            self._client.set_experiment_tag(self._experiment_id, _NOTE_TAG, note)
        return run_id

    @cached_property
    def _client(self) -> MlflowClient:
        return self.location.client()

    @cached_property
    def _experiment_id(self) -> str:
        experiment_id = self._open_experiment()
        self._client.set_experiment_tag(experiment_id, VIEW_TAG, view(self.experiment))
        return experiment_id

    def _open_experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        name, artifacts = self.experiment.name, self.location.artifacts
        place = None if artifacts is None else (artifacts / name).as_uri()
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                note = f"{self.experiment.description} (the report comes when the runs are done)"
                return self._client.create_experiment(name, place, tags={_NOTE_TAG: note})
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
            self._client.log_inputs(run.run_id, datasets=[_dataset(event.data)])

    def _fail(self, run: _OpenRun, event: Failed) -> None:
        lines = event.message.strip().splitlines() or ["no message"]
        tags = {MESSAGE_TAG: lines[0][:500]}
        if event.traceback:
            self._client.log_text(run.run_id, event.traceback, "traceback.txt")
            tags[_NOTE_TAG] = f"{lines[0]}\n```\n{event.traceback[-_NOTE_LENGTH:]}\n```"
        self._log(run.run_id, tags=tags)
        self._end(event.signature, "failed", "FAILED")

    def _end(self, signature: str, status: str, mlflow_status: str) -> None:
        run = self._open[signature]
        self._flush(run)
        if run.profile:
            self._log_profile(run)
        # The status is the last thing written: a run that says `finished` is whole.
        self._terminate(run.run_id, status, mlflow_status)
        del self._open[signature]
        self._ended.add(signature)

    def _terminate(self, run_id: str, status: str, mlflow_status: str) -> None:
        self._log(run_id, tags={STATUS_TAG: status})
        self._client.set_terminated(run_id, mlflow_status)

    def _reopen(self, run_id: str, spec: RunSpec) -> None:
        self._log(run_id, tags=self._tags(spec))
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
            path = Path(folder) / PROFILE_ARTIFACT
            pq.write_table(pa.table(dict(run.profile)), path)
            self._client.log_artifact(run.run_id, str(path))

    def _log(self, run_id: str, params: dict[str, str] | None = None, tags: dict[str, str] | None = None) -> None:
        from mlflow.entities import Param, RunTag

        entities: list[RunTag] = [RunTag(key, value) for key, value in (tags or {}).items()]
        self._client.log_batch(run_id, params=[Param(*item) for item in (params or {}).items()], tags=entities)

    def _attempts(self, signature: str) -> list[StoredRun]:
        return attempts(self.location, self.experiment.name, signature)

    def _delete(self, runs: Iterable[StoredRun]) -> None:
        for run in runs:
            self._client.delete_run(run.run_id)

    def _tags(self, spec: RunSpec) -> dict[str, str]:
        return {
            SIGNATURE_TAG: spec.signature,
            STATUS_TAG: "running",
            KIND_TAG: "run",
            "task": spec.task_label,
            "model": spec.model_label,
            "source": spec.task.data_source,
            "mlflow.runColor": self._colours[spec.model_label],
            **_origin(),
        }


def parameters(spec: RunSpec) -> dict[str, str]:
    """Everything that is set about a run, under the names of the experiment file."""
    flat: dict[str, Any] = {
        "task": spec.task_label,
        "source": spec.task.data_source,
        "model": spec.model_label,
        "seed": spec.seed,
        "recurrent_parameters": spec.model.recurrent_parameters(spec.task.inputs.width),
    }
    groups = {
        "task": {"name": spec.settings["task"], **spec.settings["task_settings"]},
        "model": {"name": spec.settings["model"], **spec.settings["model_settings"]},
        "training": spec.settings["training"],
        "gradients": spec.settings["gradients"],
    }
    for group, settings in groups.items():
        for key, value in settings.items():
            taken = key in flat and flat[key] != value
            flat[f"{group}_{key}" if taken or key == "name" or group == "gradients" else key] = value
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in flat.items()}


def _dataset(data: dict[str, str]) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": data.get("source", "")})
    dataset = Dataset(data.get("name", "data"), data.get("digest", "")[:36] or "none", "external", source)
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "test")])


@cache
def _origin() -> dict[str, str]:
    """What wrote the run: version, commit, Python."""
    origin = {
        "rnnbench.version": rnnbench.__version__,
        "environment.python": platform.python_version(),
        "mlflow.source.name": "rnnbench",
        "mlflow.source.type": "LOCAL",
    }
    package = Path(__file__).parent
    tracked = ["git", "-C", str(package), "ls-files", "--error-unmatch", "__init__.py"]
    commit = ["git", "-C", str(package), "rev-parse", "HEAD"]
    try:
        # An installed copy may lie inside another project's repository, whose commit says nothing of it.
        subprocess.run(tracked, check=True, capture_output=True)
        origin["mlflow.source.git.commit"] = subprocess.run(
            commit, check=True, capture_output=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    return origin
