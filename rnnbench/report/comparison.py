"""The results of several experiments in one report, and reports of a part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.analysis.groups import GROUP
from rnnbench.analysis.results import ReadAnswers, Results
from rnnbench.errors import UserError
from rnnbench.registry import unknown
from rnnbench.report.formatting import listed

_SHAPE = ("lag", "filler", "training_lags", "grids")
"""Settings in which the same task of two experiments may differ."""


@dataclass(frozen=True)
class Only:
    """What a report is restricted to; by default nothing."""

    tasks: Sequence[str] = ()
    models: Sequence[str] = ()
    since: datetime | None = None
    """Runs begun then or later."""

    @classmethod
    def parse(cls, tasks: Sequence[str], models: Sequence[str], since: str | None) -> Only:
        """`since`: an ISO 8601 date or time, in UTC unless it names an offset. Raises `UserError`."""
        if since is None:
            return cls(tasks, models)
        try:
            moment = datetime.fromisoformat(since)
            return cls(tasks, models, moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
        except ValueError:
            raise UserError(f"--since {since}: write a date, 2026-01-31, or a moment, 2026-01-31T14:00") from None
        except OverflowError:
            raise UserError(f"--since {since}: in UTC that is outside of the years 1 to 9999") from None

    @property
    def everything(self) -> bool:
        return not (self.tasks or self.models or self.since)

    def __str__(self) -> str:
        """A sentence, or an empty string where everything is shown."""
        parts = [
            f"{kind}{'s' * (len(names) > 1)} {listed(names)}"
            for kind, names in (("task", self.tasks), ("model", self.models))
            if names
        ]
        parts += [f"runs begun since {_written(self.since, ' ', 'minutes')} UTC"] if self.since else []
        return f"Shown are only {' and '.join(parts)}." if parts else ""

    def of(self, results: Results) -> Results:
        """That part of `results`. Raises `UserError` for an unknown task or model, or if no run is left."""
        runs = results.runs
        kept = pd.Series(True, index=runs.index)
        for kind, names in (("task", self.tasks), ("model", self.models)):
            known = list(runs[kind].unique())
            for name in names:
                if name not in known:
                    raise UserError(f"--{kind}: {unknown(kind, name, known)}")
            if names:
                kept &= runs[kind].isin(names)
        if self.since:
            kept &= runs["started"] >= _written(self.since, "T", "seconds")
        if not kept.any():
            raise UserError(f"nothing to report: no run is left. {self}")
        return _keeping(results, runs[kept])


def _written(moment: datetime, between: str, precision: str) -> str:
    # `strftime` drops the leading zeros of early years, which then would sort after ours.
    return moment.replace(tzinfo=None).isoformat(between, precision)


def joined(results: Mapping[str, Results], tasks: Mapping[str, Mapping[str, Any]]) -> tuple[Results, dict[str, Any]]:
    """The results of several experiments as one, and the settings of their tasks.

    `results` and `tasks` (label to settings): by the name of the experiment. Where two experiments have the same
    series, each gets the name of its experiment beside its model's. So does a task whose settings differ.
    """
    differing = _differing(tasks)
    tables = {name: _named(name, one, differing) for name, one in results.items()}
    series = pd.concat([one.runs[GROUP].drop_duplicates() for one in tables.values()])
    twice = set(series[series.duplicated()].itertuples(index=False, name=None))
    signatures = pd.concat([one.runs["signature"].drop_duplicates() for one in tables.values()])
    shared = set(signatures[signatures.duplicated()])
    parts = [_told_apart(name, one, twice, shared) for name, one in tables.items()]
    settings = {
        _label(label, name, differing): described
        for name, of_one in tasks.items()
        for label, described in of_one.items()
    }
    tables_of_all = (pd.concat(tables, ignore_index=True) for tables in zip(*map(_tables, parts), strict=True))
    examples = {signature: scores for one in parts for signature, scores in one.examples.items()}
    answers = {signature: read for one in parts for signature, read in one.answers.items()}
    return _results(tables_of_all, examples, answers), settings


def _differing(tasks: Mapping[str, Mapping[str, Any]]) -> set[str]:
    seen: dict[str, Any] = {}
    differing = set()
    for of_one in tasks.values():
        for label, described in of_one.items():
            fixed = {key: value for key, value in described.items() if key not in _SHAPE}
            if seen.setdefault(label, fixed) != fixed:
                differing.add(label)
    return differing


def _label(task: str, experiment: str, differing: set[str]) -> str:
    return f"{task} ({experiment})" if task in differing else task


def _named(name: str, results: Results, differing: set[str]) -> Results:
    tasks = [_label(task, name, differing) for task in results.runs["task"]]
    return replace(results, runs=results.runs.assign(experiment=name, task=tasks))


def _told_apart(name: str, results: Results, twice: set[tuple[str, ...]], shared: set[str]) -> Results:
    runs = results.runs
    settings = [
        f"{row[-1]} {name}".strip() if row in twice else row[-1]
        for row in runs[GROUP].itertuples(index=False, name=None)
    ]
    # A run that two experiments share keeps a history in each.
    own = {signature: f"{signature} {name}" for signature in shared}
    apart = [table.assign(signature=table["signature"].replace(own)) for table in _tables(results)]
    examples = {own.get(signature, signature): scores for signature, scores in results.examples.items()}
    answers = {own.get(signature, signature): read for signature, read in results.answers.items()}
    return _results([apart[0].assign(model_setting=settings), *apart[1:]], examples, answers)


def _keeping(results: Results, runs: pd.DataFrame) -> Results:
    kept = set(runs["signature"])
    _, *others = _tables(results)
    return _results(
        [
            runs.reset_index(drop=True),
            *(table[table["signature"].isin(kept)].reset_index(drop=True) for table in others),
        ],
        {signature: scores for signature, scores in results.examples.items() if signature in kept},
        {signature: read for signature, read in results.answers.items() if signature in kept},
    )


def _results(
    tables: Iterable[pd.DataFrame], examples: Mapping[str, np.ndarray], answers: Mapping[str, ReadAnswers]
) -> Results:
    runs, history, profiles, levels, lag_curves = tables
    return Results(runs, history, profiles, levels, lag_curves, examples, answers)


def _tables(results: Results) -> list[pd.DataFrame]:
    return [results.runs, results.history, results.profiles, results.levels, results.lag_curves]
