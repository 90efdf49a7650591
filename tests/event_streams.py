"""Hand-made experiments, events and stores for the tests of everything that knows MLflow."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench.events import Event, Finished, Measured, Profiled, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.location import Location
from rnnbench.tracking.names import STATUS_TAG
from rnnbench.tracking.notes import parameters, run_tags
from rnnbench.tracking.writer import Tracker


def experiment(**changes: Any) -> Experiment:
    """Four runs: copy-memory at lags 5 and 10 with `simple_rnn` and `lstm`."""
    settings: dict[str, Any] = {
        "name": "carry",
        "description": "How far is a symbol carried?",
        "tasks": {"copy": {"task": "copy_memory", "lag": [5, 10], "symbols": 1}},
        "models": {"simple_rnn": {"units": 8}, "lstm": {"units": 4, "learning_rate": 0.01}},
        "training": {"steps": 20, "evaluate_every": 10},
    }
    return Experiment.model_validate(settings | changes)


def started(spec: RunSpec) -> Started:
    return Started(
        spec.signature,
        parameters=123,
        levels={"chance": 0.125, "best": 0.5},
        data={"name": "CopyMemory", "source": "generated", "digest": "d1ce"},
        environment={"tensorflow": "2.21.0", "device": "CPU"},
    )


def profiled(spec: RunSpec, step: int, phase: str) -> Profiled:
    rows = {"distance": [0, 1], "state": ["h", "h"], "median": [1.0, 0.5], "low": [0.9, 0.4], "high": [1.1, 0.6]}
    return Profiled(spec.signature, step, phase, rows)


def whole_run(spec: RunSpec, score: float = 0.75, **figures: float) -> Iterator[Event]:
    """The events of a run of 20 steps that ends well."""
    signature = spec.signature
    yield started(spec)
    yield Measured(signature, 0, {"validation/accuracy": 0.1})
    yield profiled(spec, 0, "initial")
    yield Measured(signature, 0, {"gradient_profile/survival": 0.5})
    yield Measured(signature, 10, {"validation/accuracy": 0.2, "train/loss": 2.0})
    yield Measured(signature, 20, {"validation/accuracy": 0.3, "train/loss": 1.0})
    yield profiled(spec, 20, "final")
    metrics = {"score": score, "skill": 0.7, "steps": 20, "best_step": 20, "seconds": 1.5, "test/accuracy": score}
    yield Finished(signature, 20, metrics | {"solved": 0.0, "survival": 0.25, "decay_per_step": 0.9} | figures)


def write(location: Location, grid: Experiment, *events: Event) -> None:
    """Write events as one `rnnbench run` does."""
    with Tracker(location, grid) as tracker:
        for event in events:
            tracker.write(event)


def fill(location: Location, grid: Experiment) -> None:
    """Write every run of a grid as `whole_run`: the first as it should be, the others copied in SQL, which is fast."""
    write(location, grid, *whole_run(grid.runs[0]))
    first = location.reader.newest_runs(grid.name)[grid.runs[0].signature]
    assert location.artifacts is not None
    files = location.artifacts / grid.name
    with location.store.connect(mode="rw") as connection:
        for spec in grid.runs[1:]:
            run_id = uuid.uuid4().hex
            values = {"run_uuid": run_id, "name": spec.name, "artifact_uri": f"{(files / run_id).as_uri()}/artifacts"}
            _copy(connection, "runs", first.run_id, values)
            for table in ("metrics", "latest_metrics"):
                _copy(connection, table, first.run_id, {"run_uuid": run_id})
            tags = first.tags | run_tags(spec, "#000000") | {STATUS_TAG: "finished", "mlflow.runName": spec.name}
            for table, pairs in (("tags", tags), ("params", parameters(spec))):
                rows = [(key, value, run_id) for key, value in pairs.items()]
                connection.executemany(f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)", rows)
            shutil.copytree(files / first.run_id, files / run_id)
        connection.commit()


def _copy(connection: sqlite3.Connection, table: str, run_id: str, changed: dict[str, str]) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join("?" if column in changed else column for column in columns)
    given = [changed[column] for column in columns if column in changed]
    query = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE run_uuid = ?"
    connection.execute(query, (*given, run_id))


def new_store(directory: Path) -> Location:
    """An empty store; copied, because MLflow takes 5 s to make one."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(_empty_database(), directory / "mlflow.db")
    return Location.resolve(directory)


@cache
def _empty_database() -> Path:
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    location = Location.resolve(directory)
    location.check_writable()
    location.client()
    assert location.database is not None
    return location.database
