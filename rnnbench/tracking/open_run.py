"""An MLflow run that is still going on, with what has not been written yet."""

from __future__ import annotations

import math
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rnnbench.events import Profiled
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.answers_files import TABLES_TAG, tables_tag, write_answers
from rnnbench.tracking.names import PICTURE_ARTIFACT
from rnnbench.tracking.profile_file import PROFILE_COLUMNS, write_examples, write_profile
from rnnbench.tracking.profile_picture import picture
from rnnbench.tracking.views import SUMMARY

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

_BATCH = 1000
"""Metrics that MLflow takes in one call."""
_DIGITS = 6
"""Significant digits of what the columns of MLflow's pages show, since they show all that there are. Whole numbers are
kept whole, and curves and `test/...` as they were measured."""


@dataclass
class OpenRun:
    """What is said of a run twice is taken up once."""

    run_id: str
    spec: RunSpec
    parameters: set[str] = field(default_factory=set)
    """Those that the store has. No store lets them be changed, though a label may be another one by now."""
    examples: list[float] = field(default_factory=list, init=False)
    """The score of each test example."""
    answers: dict[str, Any] | None = field(default=None, init=False)
    """See `events.Answered`."""
    _waiting: list[Metric] = field(default_factory=list, init=False)
    _profile: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list), init=False)
    _seen: set[tuple[str, int]] = field(default_factory=set, init=False)

    @classmethod
    def reopened(cls, client: MlflowClient, run_id: str, spec: RunSpec) -> Self:
        """A run that was broken off, with what the store has of it."""
        data = client.get_run(run_id).data
        run = cls(run_id, spec, parameters=set(data.params))
        for key in data.metrics:
            run._seen.update((key, metric.step) for metric in client.get_metric_history(run_id, key))
        return run

    def add(self, step: int, metrics: dict[str, float]) -> None:
        """Take metrics up, except those that a repeated event brings a second time."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        for key, value in metrics.items():
            if (key, step) not in self._seen:
                self._seen.add((key, step))
                self._waiting.append(Metric(key, _shown(key, float(value)), now, step))

    def add_profile(self, event: Profiled) -> None:
        """Take a gradient profile up, unless it is there."""
        if (event.phase, event.step) in self._seen:
            return
        self._seen.add((event.phase, event.step))
        rows = len(event.columns["distance"])
        for name in PROFILE_COLUMNS:
            constant = {"step": event.step, "phase": event.phase}.get(name)
            self._profile[name] += event.columns[name] if constant is None else [constant] * rows

    def write_metrics(self, client: MlflowClient) -> None:
        """Write every metric that waits."""
        while self._waiting:
            client.log_batch(self.run_id, metrics=self._waiting[:_BATCH])
            del self._waiting[:_BATCH]

    def write_files(self, client: MlflowClient) -> None:
        """Write the gradient profiles with their picture, scores of test examples and answers, if there are any."""
        if not (self._profile or self.examples or self.answers):
            return
        with tempfile.TemporaryDirectory() as folder:
            if self._profile:
                write_profile(Path(folder), self._profile)
                drawn = picture(self.spec.name, self.spec.task.lag, self._profile)
                (Path(folder) / PICTURE_ARTIFACT).write_text(drawn, encoding="utf-8")
            if self.examples:
                write_examples(Path(folder), self.examples)
            if self.answers:
                write_answers(Path(folder), self.answers)
                client.set_tag(self.run_id, TABLES_TAG, tables_tag(self.answers))
            client.log_artifacts(self.run_id, folder)


def _shown(metric: str, value: float) -> float:
    if metric not in SUMMARY or not math.isfinite(value) or value == int(value):
        return value
    return float(f"{value:.{_DIGITS}g}")
