"""Reading a local store in SQL: at once, where MLflow would take 5 s to be imported."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnbench.tracking.database import Database
from rnnbench.tracking.names import ASKED_TAG, KIND_TAG, MACHINE_TAG, SIGNATURE_TAG, STATUS_TAG
from rnnbench.tracking.reader import EndedRun, Point, Reader, StoredRun, chunks, finite, moment

_OF_AN_EXPERIMENT = """FROM runs JOIN experiments USING (experiment_id)
    WHERE experiments.name = ? AND runs.lifecycle_stage = 'active'"""
_SOME = "SELECT value FROM json_each(?)"
_RUNS_AT_ONCE = 500


@dataclass(frozen=True)
class SQLiteReader(Reader):
    """Reads MLflow's tables directly; a test compares what it reads with MLflow's own client."""

    database: Database

    def runs(self, experiment: str, kind: str = "run") -> list[StoredRun]:
        if self.database.is_missing:
            return []
        self.database.check_readable()
        inside = f"run_uuid IN (SELECT run_uuid {_OF_AN_EXPERIMENT})"
        with self.database.connect() as connection:
            query = f"SELECT run_uuid, start_time {_OF_AN_EXPERIMENT} ORDER BY start_time, runs.rowid"
            ids = connection.execute(query, (experiment,))
            runs = {run_id: StoredRun(run_id, started=moment(began)) for run_id, began in ids}
            query = f"SELECT run_uuid, key, value FROM tags WHERE {inside}"
            for run_id, key, value in connection.execute(query, (experiment,)):
                runs[run_id].tags[key] = value
            query = f"SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE {inside}"
            for run_id, key, value, is_nan in connection.execute(query, (experiment,)):
                runs[run_id].metrics[key] = math.nan if is_nan else finite(value)
        return [run for run in runs.values() if run.tags.get(KIND_TAG) == kind]

    def attempts(self, experiment: str, signature: str) -> list[StoredRun]:
        if self.database.is_missing:
            return []
        query = """SELECT tags.run_uuid, tags.key, tags.value FROM runs JOIN experiments USING (experiment_id)
            JOIN tags AS signed ON signed.run_uuid = runs.run_uuid AND signed.key = ? AND signed.value = ?
            JOIN tags ON tags.run_uuid = runs.run_uuid
            WHERE experiments.name = ? AND runs.lifecycle_stage = 'active' ORDER BY start_time, runs.rowid"""
        runs: dict[str, StoredRun] = {}
        with self.database.connect() as connection:
            for run_id, key, value in connection.execute(query, (SIGNATURE_TAG, signature, experiment)):
                runs.setdefault(run_id, StoredRun(run_id)).tags[key] = value
        return list(runs.values())

    def experiments_with(self, tag: str) -> dict[str, str]:
        query = """SELECT name, experiments.experiment_id FROM experiments JOIN experiment_tags USING (experiment_id)
            WHERE key = ? AND lifecycle_stage = 'active' ORDER BY creation_time DESC"""
        with self.database.connect() as connection:
            return {name: str(number) for name, number in connection.execute(query, (tag,))}

    def asked(self, experiment: str) -> list[list[str]] | None:
        if self.database.is_missing:
            return None
        query = """SELECT value FROM experiments LEFT JOIN experiment_tags
            ON experiment_tags.experiment_id = experiments.experiment_id AND key = ?
            WHERE name = ? AND lifecycle_stage = 'active'"""
        with self.database.connect() as connection:
            found = connection.execute(query, (ASKED_TAG, experiment)).fetchone()
        return json.loads(found[0] or "[]") if found else None

    def _histories(self, wanted: Mapping[str, Sequence[str]]) -> list[Point]:
        with self.database.connect() as connection:
            return [
                (run_id, step, metric, math.nan if is_nan else finite(value))
                for metric, run_ids in wanted.items()
                for chunk in chunks(run_ids, _RUNS_AT_ONCE)
                for run_id, step, value, is_nan in _history(connection, metric, chunk)
            ]

    def artifact(self, experiment: str, run_id: str, name: str) -> bytes | None:
        path = self._path(experiment, run_id, name)
        return path.read_bytes() if path.is_file() else None

    def place(self, experiment: str, run_id: str, name: str) -> str:
        return str(self._path(experiment, run_id, name))

    def ended_on(self, machine: str, metrics: Sequence[str], limit: int) -> list[EndedRun]:
        if self.database.is_missing:
            return []
        query = f"""SELECT runs.run_uuid FROM runs
            JOIN tags AS status ON status.run_uuid = runs.run_uuid AND status.key = ? AND status.value IN ({_SOME})
            JOIN tags AS machine ON machine.run_uuid = runs.run_uuid AND machine.key = ? AND machine.value = ?
            WHERE lifecycle_stage = 'active' ORDER BY start_time DESC LIMIT {limit}"""
        ended = json.dumps(["finished", "diverged"])
        found: dict[str, EndedRun] = defaultdict(lambda: EndedRun({}, {}))
        with self.database.connect() as connection:
            chosen = connection.execute(query, (STATUS_TAG, ended, MACHINE_TAG, machine))
            ids = json.dumps([run_id for (run_id,) in chosen])
            query = f"SELECT run_uuid, key, value FROM params WHERE run_uuid IN ({_SOME})"
            for run_id, key, value in connection.execute(query, (ids,)):
                found[run_id].parameters[key] = value
            query = f"SELECT run_uuid, key, value FROM latest_metrics WHERE run_uuid IN ({_SOME}) AND key IN ({_SOME})"
            for run_id, key, value in connection.execute(query, (ids, json.dumps(list(metrics)))):
                found[run_id].metrics[key] = value
        return list(found.values())

    def _path(self, experiment: str, run_id: str, name: str) -> Path:
        return self.database.artifacts / experiment / run_id / "artifacts" / name


def _history(connection: sqlite3.Connection, metric: str, run_ids: Sequence[str]) -> Iterable[Any]:
    marks = ",".join("?" * len(run_ids))
    query = f"SELECT run_uuid, step, value, is_nan FROM metrics WHERE key = ? AND run_uuid IN ({marks})"
    return connection.execute(f"{query} ORDER BY run_uuid, step", (metric, *run_ids))
