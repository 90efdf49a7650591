"""Reading runs back from a store: SQLite at once and without MLflow, a server by its HTTP interface."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rnnbench.tracking.location import Location, translate_errors

SIGNATURE_TAG = "rnnbench.signature"
SETTINGS_TAG = "rnnbench.settings"
"""The signature without the data: it finds runs where the data are absent."""
STATUS_TAG = "rnnbench.status"
KIND_TAG = "rnnbench.kind"
MESSAGE_TAG = "rnnbench.message"
DIGEST_TAG = "rnnbench.digest"
"""Of a report: its files, so that the same report is not stored twice."""
ASKED_TAG = "rnnbench.asked"
"""Of an experiment: the overrides of each `run` of its file, a list of lists as JSON, the last `run`'s last."""
PROFILE_ARTIFACT = "gradient_profile.parquet"
PICTURE_ARTIFACT = "gradient_profile.svg"
TRACEBACK_ARTIFACT = "traceback.txt"

Point = tuple[str, int, str, float]
"""Run id, step, metric, value."""

_LARGEST = 1.797e308
"""MLflow keeps an infinity as the largest float there is."""
_BULK_RUNS, _BULK_POINTS = 100, 25_000
"""What a server gives at most in one answer about a metric's history."""


@dataclass(frozen=True)
class StoredRun:
    """One MLflow run of ours as the store holds it."""

    run_id: str
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    """The last value of each metric; NaN where it was not finite."""
    started: str = ""
    """When it was begun, UTC: `2026-01-31T23:59:59`."""

    @property
    def signature(self) -> str:
        return self.tags.get(SIGNATURE_TAG, "")

    @property
    def status(self) -> str:
        """`running`, `finished`, `diverged`, `failed` or `interrupted`."""
        return self.tags.get(STATUS_TAG, "")


def stored_runs(location: Location, experiment: str, kind: str = "run") -> list[StoredRun]:
    """All runs of an MLflow experiment that are not deleted, the oldest first; empty where there are none.

    `kind`: `run` or `report`. Raises `UserError` if the store does not answer or is none.
    """
    if location.is_missing:
        return []
    location.check_readable()
    runs = (_runs_by_client if location.database is None else _runs_by_sql)(location, experiment)
    return [run for run in runs if run.tags.get(KIND_TAG) == kind]


def newest_runs(location: Location, experiment: str) -> dict[str, StoredRun]:
    """The newest run of each signature."""
    return {run.signature: run for run in stored_runs(location, experiment)}


def statuses(location: Location, experiment: str) -> dict[str, str]:
    """The status of the newest run of each signature."""
    return {signature: run.status for signature, run in newest_runs(location, experiment).items()}


def attempts(location: Location, experiment: str, signature: str) -> list[StoredRun]:
    """The runs of one signature, the oldest first; with all of their tags, but without their metrics."""
    if location.is_missing:
        return []
    if location.database is None:
        chosen = f"tags.`{SIGNATURE_TAG}` = '{signature}'"
        return [StoredRun(run.run_id, run.tags) for run in _runs_by_client(location, experiment, chosen)]
    query = """SELECT tags.run_uuid, tags.key, tags.value FROM runs JOIN experiments USING (experiment_id)
        JOIN tags AS signed ON signed.run_uuid = runs.run_uuid AND signed.key = ? AND signed.value = ?
        JOIN tags ON tags.run_uuid = runs.run_uuid
        WHERE experiments.name = ? AND runs.lifecycle_stage = 'active' ORDER BY start_time, runs.rowid"""
    runs: dict[str, StoredRun] = {}
    with location.connect() as connection:
        for run_id, key, value in connection.execute(query, (SIGNATURE_TAG, signature, experiment)):
            runs.setdefault(run_id, StoredRun(run_id)).tags[key] = value
    return list(runs.values())


def experiments_with(location: Location, tag: str) -> dict[str, str]:
    """Name and id of each experiment that has this tag, the newest first."""
    if location.database is None:
        client = location.client()
        with translate_errors(location):
            found = every_page(lambda token: client.search_experiments(page_token=token))
        return {one.name: one.experiment_id for one in found if tag in one.tags}
    query = """SELECT name, experiments.experiment_id FROM experiments JOIN experiment_tags USING (experiment_id)
        WHERE key = ? AND lifecycle_stage = 'active' ORDER BY creation_time DESC"""
    with location.connect() as connection:
        return {name: str(number) for name, number in connection.execute(query, (tag,))}


def asked(location: Location, experiment: str) -> list[list[str]] | None:
    """The overrides with which an experiment was run, the last ones last; None if the store does not know it."""
    if location.is_missing:
        return None
    if location.database is None:
        with translate_errors(location):
            found = location.client().get_experiment_by_name(experiment)
        values = [] if found is None else [found.tags.get(ASKED_TAG)]
    else:
        query = """SELECT value FROM experiments LEFT JOIN experiment_tags
            ON experiment_tags.experiment_id = experiments.experiment_id AND key = ?
            WHERE name = ? AND lifecycle_stage = 'active'"""
        with location.connect() as connection:
            values = [value for (value,) in connection.execute(query, (ASKED_TAG, experiment))]
    return json.loads(values[0] or "[]") if values else None


def histories(location: Location, runs: Sequence[StoredRun]) -> list[Point]:
    """Every value of every metric measured along the training: those with a `/`, but for levels, tests and times."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        for metric in run.metrics:
            if "/" in metric and not metric.startswith(("level/", "test/", "seconds/")):
                wanted[metric].append(run.run_id)
    if location.database is not None:
        return _history_by_sql(location, wanted)
    with translate_errors(location):
        return [point for metric, ids in wanted.items() for point in _history_by_http(location, metric, ids)]


def artifact(location: Location, experiment: str, run_id: str, name: str) -> bytes | None:
    """A file that was stored with a run, or None if it has none of this name."""
    path = _path(location, experiment, run_id, name)
    if path is not None:
        return path.read_bytes() if path.is_file() else None
    with translate_errors(location):
        answer = _get(location, "/get-artifact", {"run_id": run_id, "path": name})
    return answer.content if answer.status_code == 200 else None


def place(location: Location, experiment: str, run_id: str, name: str) -> str:
    """Where a person finds such a file."""
    path = _path(location, experiment, run_id, name)
    return f"{name} of MLflow run {run_id}" if path is None else str(path)


def _path(location: Location, experiment: str, run_id: str, name: str) -> Path | None:
    if location.artifacts is None:
        return None
    return location.artifacts / experiment / run_id / "artifacts" / name


def _finite(value: float) -> float:
    return value if abs(value) < _LARGEST else math.nan


def _moment(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _runs_by_sql(location: Location, experiment: str) -> list[StoredRun]:
    chosen = """FROM runs JOIN experiments USING (experiment_id)
        WHERE experiments.name = ? AND runs.lifecycle_stage = 'active'"""
    with location.connect() as connection:
        ids = connection.execute(f"SELECT run_uuid, start_time {chosen} ORDER BY start_time, runs.rowid", (experiment,))
        runs = {run_id: StoredRun(run_id, started=_moment(began)) for run_id, began in ids}
        inside = f"run_uuid IN (SELECT run_uuid {chosen})"
        for run_id, key, value in connection.execute(
            f"SELECT run_uuid, key, value FROM tags WHERE {inside}", (experiment,)
        ):
            runs[run_id].tags[key] = value
        query = f"SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE {inside}"
        for run_id, key, value, is_nan in connection.execute(query, (experiment,)):
            runs[run_id].metrics[key] = math.nan if is_nan else _finite(value)
    return list(runs.values())


def _history_by_sql(location: Location, wanted: dict[str, list[str]]) -> list[Point]:
    points = []
    with location.connect() as connection:
        for metric, run_ids in wanted.items():
            points += [
                (run_id, step, metric, math.nan if is_nan else _finite(value))
                for chunk in _chunks(run_ids, 500)
                for run_id, step, value, is_nan in _select_history(connection, metric, chunk)
            ]
    return points


def _select_history(connection: sqlite3.Connection, metric: str, run_ids: Sequence[str]) -> Iterable[Any]:
    marks = ",".join("?" * len(run_ids))
    query = f"SELECT run_uuid, step, value, is_nan FROM metrics WHERE key = ? AND run_uuid IN ({marks})"
    return connection.execute(f"{query} ORDER BY run_uuid, step", (metric, *run_ids))


def _runs_by_client(location: Location, experiment: str, chosen: str = "") -> list[StoredRun]:
    client = location.client()
    with translate_errors(location):
        found = client.get_experiment_by_name(experiment)
        if found is None:
            return []
        oldest_first, place = ["start_time ASC"], [found.experiment_id]
        runs = every_page(
            lambda token: client.search_runs(place, chosen, max_results=1000, page_token=token, order_by=oldest_first)
        )
    return [
        StoredRun(
            run.info.run_id,
            run.data.tags,
            {key: _finite(value) for key, value in run.data.metrics.items()},
            _moment(run.info.start_time),
        )
        for run in runs
    ]


def every_page(ask: Callable[[str | None], Any]) -> list[Any]:
    """All that a search finds: `ask` is given the token of a page, None for the first."""
    page = ask(None)
    found = list(page)
    while page.token:
        page = ask(page.token)
        found += page
    return found


def _history_by_http(location: Location, metric: str, run_ids: Sequence[str]) -> list[Point]:
    """One metric of many runs, as MLflow's own page asks for it: its client can only ask run by run."""
    points: list[Point] = []
    for chunk in _chunks(run_ids, _BULK_RUNS):
        query = {"run_id": chunk, "metric_key": metric, "max_results": _BULK_POINTS}
        answer = _get(location, "/ajax-api/2.0/mlflow/metrics/get-history-bulk", query)
        answer.raise_for_status()
        found = answer.json().get("metrics", [])
        if len(found) >= _BULK_POINTS:
            # There may be more, and this has no second page.
            half = len(chunk) // 2
            parts = [chunk[:half], chunk[half:]] if half else []
            points += [point for part in parts for point in _history_by_http(location, metric, part)]
            points += [] if half else _history_by_client(location, metric, chunk[0])
            continue
        points += [(point["run_id"], int(point["step"]), metric, _finite(float(point["value"]))) for point in found]
    return points


def _history_by_client(location: Location, metric: str, run_id: str) -> list[Point]:
    """One metric of one run, page by page."""
    history = location.client().get_metric_history(run_id, metric)
    return [(run_id, point.step, metric, _finite(point.value)) for point in sorted(history, key=lambda one: one.step)]


def _get(location: Location, endpoint: str, query: dict[str, Any]) -> Any:
    """A request that MLflow's client has no method for, with the credentials and retries that it would use."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    return http_request(get_default_host_creds(location.uri), endpoint, "GET", params=query)


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
