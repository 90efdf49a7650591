"""Reading exported results as if they were a store."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rnnbench.errors import UserError, note
from rnnbench.text.wording import count_of
from rnnbench.tracking.portable import manifest
from rnnbench.tracking.portable.manifest import Manifest
from rnnbench.tracking.portable.tables import Tables, read_tables
from rnnbench.tracking.profile_file import PROFILE_COLUMNS
from rnnbench.tracking.reader import EndedRun, Point, Reader, StoredRun
from rnnbench.tracking.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Folder(Store):
    """A folder of exported results, which nothing is written to."""

    path: Path

    @property
    def uri(self) -> str:
        self._refuse()

    def __str__(self) -> str:
        return str(self.path)

    @cached_property
    def manifest(self) -> Manifest:
        """Raises `UserError` if it, or a file beside it, is damaged."""
        return manifest.read(self.path)

    def check_readable(self) -> None:
        self.manifest  # noqa: B018  (it raises)

    def check_writable(self) -> None:
        self._refuse()

    def tag_experiment(self, name: str, key: str, value: str) -> None:
        self._refuse()

    def back_up(self) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UserError(f"{self.path}: holds exported results, which are only read: `rnnbench import` takes them")


@dataclass(frozen=True)
class FolderReader(Reader):
    """Reads folders of exported results together.

    A run that several of them hold is read once: that of the later start, where they differ.
    """

    folders: Sequence[Folder]

    @cached_property
    def tables(self) -> Tables:
        """Of all folders, the runs in the order of their start. Raises `UserError` for damage."""
        import pandas as pd

        for folder in self.folders:
            folder.check_readable()
        parts = [read_tables(folder.path) for folder in self.folders]
        runs = pd.concat([part.runs.assign(folder=at) for at, part in enumerate(parts)], ignore_index=True)
        runs = runs.sort_values("started", kind="stable")
        kept = runs.drop_duplicates(["experiment", "run_id"], keep="last")
        places = dict(zip(kept["run_id"], kept["folder"], strict=True))
        return Tables(
            kept.reset_index(drop=True),
            *(
                pd.concat([_of(table, places, at) for at, table in enumerate(of_all)], ignore_index=True)
                for of_all in (
                    [part.metrics for part in parts],
                    [part.profiles for part in parts],
                    [part.test_examples for part in parts],
                    [part.answers for part in parts],
                )
            ),
        )

    def runs(self, experiment: str, kind: str = "run") -> list[StoredRun]:
        rows = self.tables.runs
        chosen: list[dict[Any, Any]] = rows[rows["experiment"] == experiment].to_dict("records")
        return [self._run(row) for row in chosen]

    def attempts(self, experiment: str, signature: str) -> list[StoredRun]:
        return [run for run in self.runs(experiment) if run.signature == signature]

    def experiments_with(self, tag: str) -> dict[str, str]:
        return {}

    def asked(self, experiment: str) -> list[list[str]] | None:
        return None

    def _histories(self, wanted: Mapping[str, Sequence[str]]) -> list[Point]:
        by_metric = self._by_metric
        return [
            point
            for metric, run_ids in wanted.items()
            if metric in by_metric
            for point in _points(by_metric[metric], set(run_ids))
        ]

    def artifact(self, experiment: str, run_id: str, name: str) -> bytes | None:
        return None

    def profile(self, experiment: str, run_id: str) -> pd.DataFrame | None:
        found = self._profiles.get(run_id)
        return None if found is None else found[list(PROFILE_COLUMNS)].reset_index(drop=True)

    def test_scores(self, experiment: str, run_id: str) -> list[float] | None:
        return self._test_scores.get(run_id)

    def answers(self, experiment: str, run_id: str) -> dict[str, Any] | None:
        found = self._answers.get(run_id)
        return None if found is None else dict(json.loads(found))

    def values_of(self, run_id: str) -> list[tuple[str, int, float]]:
        """Metric, step and value of all that a run measured."""
        rows = self._by_run.get(run_id)
        columns = () if rows is None else (rows[name].tolist() for name in ("metric", "step", "value"))
        return list(zip(*columns, strict=True))

    def place(self, experiment: str, run_id: str, name: str) -> str:
        return f"{name} of run {run_id}"

    def ended_on(self, machine: str, metrics: Sequence[str], limit: int) -> list[EndedRun]:
        return []

    @cached_property
    def _by_metric(self) -> dict[str, pd.DataFrame]:
        return {str(metric): rows for metric, rows in self.tables.metrics.groupby("metric", sort=False)}

    @cached_property
    def _by_run(self) -> dict[str, pd.DataFrame]:
        return {str(run_id): rows for run_id, rows in self.tables.metrics.groupby("run_id", sort=False)}

    @cached_property
    def _profiles(self) -> dict[str, pd.DataFrame]:
        return {str(run_id): rows for run_id, rows in self.tables.profiles.groupby("run_id", sort=False)}

    @cached_property
    def _test_scores(self) -> dict[str, list[float]]:
        rows = self.tables.test_examples
        return {str(run_id): scores.to_list() for run_id, scores in rows.groupby("run_id", sort=False)["score"]}

    @cached_property
    def _answers(self) -> dict[str, str]:
        rows = self.tables.answers
        return dict(zip(rows["run_id"], rows["answers"], strict=True))

    @cached_property
    def _last_values(self) -> dict[str, dict[str, float]]:
        last = self.tables.metrics.drop_duplicates(["run_id", "metric"], keep="last")
        return {
            str(run_id): dict(zip(rows["metric"], rows["value"], strict=True))
            for run_id, rows in last.groupby("run_id", sort=False)
        }

    def _run(self, row: Mapping[str, Any]) -> StoredRun:
        try:
            return StoredRun(
                row["run_id"],
                json.loads(row["tags"]),
                self._last_values.get(row["run_id"], {}),
                row["started"],
                question=row["question"],
                code=row["code"],
                parameters=json.loads(row["parameters"]),
                settings=json.loads(row["settings"]),
            )
        except ValueError:
            folder = self.folders[row["folder"]]
            raise UserError(f"{folder}: run {row['run_id']} is damaged: export the results again") from None


def say_of_doubles(reader: FolderReader) -> None:
    """Note the runs that several folders hold with different results, each at another run id."""
    runs = reader.tables.runs
    signatures = [json.loads(tags).get("rnnbench.signature", "") for tags in runs["tags"]]
    scores = [reader._last_values.get(run_id, {}).get("score", math.nan) for run_id in runs["run_id"]]
    told = runs.assign(signature=signatures, score=scores).groupby(["experiment", "signature"])["score"]
    twice = int((told.nunique(dropna=False) > 1).sum())
    if twice:
        places = " and ".join(map(str, reader.folders))
        note(f"{places}: {count_of(twice, 'run')} with different results, of which the newest are taken")


def _of(table: pd.DataFrame, places: Mapping[str, int], folder: int) -> pd.DataFrame:
    return table[table["run_id"].map(places) == folder]


def _points(rows: pd.DataFrame, run_ids: set[str]) -> list[Point]:
    chosen = rows[rows["run_id"].isin(run_ids)]
    columns = (chosen["run_id"], chosen["step"], chosen["metric"], chosen["value"])
    return list(zip(*(column.tolist() for column in columns), strict=True))
