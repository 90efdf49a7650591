"""Reading runs back from a store: the interface. `Location.reader` is the one that fits."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rnnbench.errors import note
from rnnbench.tracking.names import ANSWERS_ARTIFACT, EXAMPLES_ARTIFACT, PROFILE_ARTIFACT, SIGNATURE_TAG, STATUS_TAG
from rnnbench.tracking.profile_file import PROFILE_COLUMNS, read_columns

if TYPE_CHECKING:
    import pandas as pd

Point = tuple[str, int, str, float]
"""Run id, step, metric, value."""

_LARGEST = 1.797e308
"""MLflow keeps an infinity as the largest float there is."""


@dataclass(frozen=True)
class StoredRun:
    """One MLflow run of ours as the store holds it."""

    run_id: str
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    """The last value of each metric; NaN where it was not finite."""
    started: str = ""
    """When it was begun, UTC: `2026-01-31T23:59:59`."""
    question: str = ""
    """Of an exported run: see `RunSpec.question`; else empty, as are the next three."""
    code: str = ""
    """See `RunSpec.code`."""
    parameters: dict[str, str] = field(default_factory=dict)
    """Its parameters in MLflow."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What `run.json` holds."""

    @property
    def signature(self) -> str:
        return self.tags.get(SIGNATURE_TAG, "")

    @property
    def status(self) -> str:
        """`running`, `finished`, `diverged`, `failed` or `interrupted`."""
        return self.tags.get(STATUS_TAG, "")


@dataclass(frozen=True)
class EndedRun:
    """What a run was asked to do, and what it measured."""

    parameters: dict[str, str]
    metrics: dict[str, float]


class Reader(ABC):
    """Reads one store. Every method raises `UserError` if it does not answer or is not MLflow's.

    A store that has not been made yet has no runs, and neither has an experiment that it does not know.
    """

    @abstractmethod
    def runs(self, experiment: str, kind: str = "run") -> list[StoredRun]:
        """All runs of an experiment that are not deleted, the oldest first; `kind`: `run` or `report`."""

    def newest_runs(self, experiment: str) -> dict[str, StoredRun]:
        """The newest run of each signature."""
        return {run.signature: run for run in self.runs(experiment)}

    def statuses(self, experiment: str) -> dict[str, str]:
        """The status of the newest run of each signature."""
        return {signature: run.status for signature, run in self.newest_runs(experiment).items()}

    @abstractmethod
    def attempts(self, experiment: str, signature: str) -> list[StoredRun]:
        """The runs of one signature, the oldest first; with all of their tags, but without their metrics."""

    @abstractmethod
    def experiments_with(self, tag: str) -> dict[str, str]:
        """Name and id of each experiment that has this tag, the newest first."""

    @abstractmethod
    def asked(self, experiment: str) -> list[list[str]] | None:
        """The overrides with which an experiment was run, the last ones last; None if the store does not know it."""

    def histories(self, runs: Sequence[StoredRun]) -> list[Point]:
        """Every value of every metric measured during training: those with a `/`, except levels, tests and times."""
        wanted: dict[str, list[str]] = defaultdict(list)
        for run in runs:
            for metric in run.metrics:
                if "/" in metric and not metric.startswith(("level/", "test/", "seconds/")):
                    wanted[metric].append(run.run_id)
        return self._histories(wanted) if wanted else []

    @abstractmethod
    def _histories(self, wanted: Mapping[str, Sequence[str]]) -> list[Point]:
        """Every value of each metric of the runs named for it."""

    @abstractmethod
    def artifact(self, experiment: str, run_id: str, name: str) -> bytes | None:
        """A file that was stored with a run, or None if it has none of this name."""

    def profile(self, experiment: str, run_id: str) -> pd.DataFrame | None:
        """The gradient profiles of a run, `PROFILE_COLUMNS`; None, with a note if they are damaged, if it has none."""
        return self._columns(experiment, run_id, PROFILE_ARTIFACT, PROFILE_COLUMNS)

    def test_scores(self, experiment: str, run_id: str) -> list[float] | None:
        """The score of each example of the test split; None, with a note if they are damaged, if it has none."""
        found = self._columns(experiment, run_id, EXAMPLES_ARTIFACT, ("score",))
        return None if found is None else found["score"].to_list()

    def answers(self, experiment: str, run_id: str) -> dict[str, Any] | None:
        """Some answers of the tested network; None, with a note if they are damaged, if a run has none."""
        try:
            file = self.artifact(experiment, run_id, ANSWERS_ARTIFACT)
            return None if file is None else dict(json.loads(file))
        except (OSError, ValueError, TypeError) as error:
            reason = (str(error).splitlines() or [""])[0]
            note(f"{ANSWERS_ARTIFACT} of run {run_id} is left out: it is damaged ({reason})")
            return None

    def _columns(self, experiment: str, run_id: str, name: str, columns: Sequence[str]) -> pd.DataFrame | None:
        try:
            file = self.artifact(experiment, run_id, name)
            return None if file is None else read_columns(file)[list(columns)]
        except (OSError, ValueError, KeyError) as error:
            reason = (str(error).splitlines() or [""])[0]
            note(f"{name} of run {run_id} is left out: it is damaged ({reason})")
            return None

    @abstractmethod
    def place(self, experiment: str, run_id: str, name: str) -> str:
        """Where a person finds such a file."""

    @abstractmethod
    def ended_on(self, machine: str, metrics: Sequence[str], limit: int) -> list[EndedRun]:
        """The newest runs, of any experiment, that finished or diverged on such a machine, with these metrics.

        A server, which would take long to answer, is not asked: it has none.
        """


def finite(value: float) -> float:
    """The value that was measured: NaN where it was not finite."""
    return value if abs(value) < _LARGEST else math.nan


def moment(milliseconds: int | None) -> str:
    """A time of MLflow's, UTC, as `2026-01-31T23:59:59`; empty where there is none."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The items in their order, at most `size` at once."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
