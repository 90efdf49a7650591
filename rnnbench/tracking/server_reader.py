"""Reading a store behind an MLflow server: by MLflow's client, and by HTTP where that can only ask run by run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnbench.tracking.client import every_page
from rnnbench.tracking.failures import translate_errors
from rnnbench.tracking.names import ASKED_TAG, KIND_TAG, SIGNATURE_TAG
from rnnbench.tracking.reader import EndedRun, Point, Reader, StoredRun, chunks, finite, moment
from rnnbench.tracking.server import Server

_BULK_RUNS, _BULK_POINTS = 100, 25_000
"""What a server gives at most in one answer about a metric's history."""


@dataclass(frozen=True)
class ServerReader(Reader):
    """Reads what a server lets us see."""

    server: Server

    def runs(self, experiment: str, kind: str = "run") -> list[StoredRun]:
        self.server.check_readable()
        return [run for run in self._search(experiment) if run.tags.get(KIND_TAG) == kind]

    def attempts(self, experiment: str, signature: str) -> list[StoredRun]:
        chosen = f"tags.`{SIGNATURE_TAG}` = '{signature}'"
        return [StoredRun(run.run_id, run.tags) for run in self._search(experiment, chosen)]

    def experiments_with(self, tag: str) -> dict[str, str]:
        client = self.server.client()
        with translate_errors(self.server):
            found = every_page(lambda token: client.search_experiments(page_token=token))
        return {one.name: one.experiment_id for one in found if tag in one.tags}

    def asked(self, experiment: str) -> list[list[str]] | None:
        with translate_errors(self.server):
            found = self.server.client().get_experiment_by_name(experiment)
        return None if found is None else json.loads(found.tags.get(ASKED_TAG) or "[]")

    def _histories(self, wanted: Mapping[str, Sequence[str]]) -> list[Point]:
        with translate_errors(self.server):
            return [point for metric, run_ids in wanted.items() for point in self._history(metric, run_ids)]

    def artifact(self, experiment: str, run_id: str, name: str) -> bytes | None:
        with translate_errors(self.server):
            answer = self._get("/get-artifact", {"run_id": run_id, "path": name})
        return answer.content if answer.status_code == 200 else None

    def place(self, experiment: str, run_id: str, name: str) -> str:
        return f"{name} of MLflow run {run_id}"

    def ended_on(self, machine: str, metrics: Sequence[str], limit: int) -> list[EndedRun]:
        return []

    def _search(self, experiment: str, chosen: str = "") -> list[StoredRun]:
        """The runs of an experiment, the oldest first; `chosen`: a filter in MLflow's language."""
        client = self.server.client()
        with translate_errors(self.server):
            found = client.get_experiment_by_name(experiment)
            if found is None:
                return []
            oldest_first, place = ["start_time ASC"], [found.experiment_id]
            runs = every_page(
                lambda token: client.search_runs(
                    place, chosen, max_results=1000, page_token=token, order_by=oldest_first
                )
            )
        return [
            StoredRun(
                run.info.run_id,
                run.data.tags,
                {key: finite(value) for key, value in run.data.metrics.items()},
                moment(run.info.start_time),
            )
            for run in runs
        ]

    def _history(self, metric: str, run_ids: Sequence[str]) -> list[Point]:
        """One metric of many runs, as MLflow's own page asks for it."""
        points: list[Point] = []
        for chunk in chunks(run_ids, _BULK_RUNS):
            query = {"run_id": chunk, "metric_key": metric, "max_results": _BULK_POINTS}
            answer = self._get("/ajax-api/2.0/mlflow/metrics/get-history-bulk", query)
            answer.raise_for_status()
            found = answer.json().get("metrics", [])
            if len(found) < _BULK_POINTS:
                points += [(one["run_id"], int(one["step"]), metric, finite(float(one["value"]))) for one in found]
            elif len(chunk) == 1:
                points += self._history_of_one(metric, chunk[0])
            else:
                # There may be more, and this has no second page.
                half = len(chunk) // 2
                points += [*self._history(metric, chunk[:half]), *self._history(metric, chunk[half:])]
        return points

    def _history_of_one(self, metric: str, run_id: str) -> list[Point]:
        """One metric of one run, page by page."""
        history = sorted(self.server.client().get_metric_history(run_id, metric), key=lambda point: point.step)
        return [(run_id, point.step, metric, finite(point.value)) for point in history]

    def _get(self, endpoint: str, query: dict[str, Any]) -> Any:
        """A request that MLflow's client has no method for, with the credentials and retries that it would use."""
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        return http_request(get_default_host_creds(self.server.uri), endpoint, "GET", params=query)
