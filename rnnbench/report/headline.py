"""What a grid found, in short: printed at the end of `rnnbench run` and shown on top of the MLflow page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnnbench.analysis.horizon import Horizon
from rnnbench.analysis.results import Results
from rnnbench.experiment.skipped import SKIPPED
from rnnbench.report import words
from rnnbench.report.claims import claims
from rnnbench.report.data import ReportData
from rnnbench.report.headlines import REACH, headline
from rnnbench.report.horizons import horizon_text
from rnnbench.report.setups import fixed_note
from rnnbench.report.tables import skipped_table
from rnnbench.text.markdown import escaped


@dataclass(frozen=True)
class Row:
    """The memory horizon of one series."""

    task: str
    training_lags: str
    filler: str
    model: str
    horizon: str
    """`50`; `≥ 200`: the longest lag tried; `–`: not even the shortest; `?`: no run has ended; `skipped`. Behind it
    `, clock` where most of the runs that solved it are clocks."""


class Headline:
    """The answers of a report, without its figures."""

    heading = "Memory horizon: the longest lag at which a falling fit of the share of solving seeds is at least a half"

    def __init__(self, results: Results) -> None:
        self._data = ReportData(results)

    @cached_property
    def rows(self) -> list[Row]:
        """One for each series, in the order of the grid."""
        found = {
            (row["problem"], row["setup"], row["series"]): _horizon(row)
            for row in self._data.horizons.to_dict("records")
        } | dict.fromkeys(self._data.skipped_series, SKIPPED)
        keys = self._data.listed[["problem", "setup", "series", "training_lags", "filler"]]
        return [
            Row(task, training_lags, filler, model, found[task, setup, model])
            for task, setup, model, training_lags, filler in dict.fromkeys(keys.itertuples(index=False, name=None))
        ]

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(row.model for row in self.rows))

    @property
    def by_task(self) -> dict[tuple[str, str, str], dict[str, str]]:
        """For each task, protocol and filler the horizon of each model."""
        found: dict[tuple[str, str, str], dict[str, str]] = {}
        for row in self.rows:
            found.setdefault((row.task, row.training_lags, row.filler), {})[row.model] = row.horizon
        return found

    def markdown(self) -> str:
        """Sentences for each task, the table of memory horizons, how many runs there are, and what is skipped."""
        data = self._data
        parts = [
            f"**{escaped(problem.label)}**: {escaped(text)}"
            for problem in data.problems
            for text in ([headline(found) for found in claims(data, problem)] or ["No run has ended."])
        ]
        parts += [REACH, words.run_counts(data, None), words.caution(data), fixed_note(data.horizons)]
        head = ["task", "lags", "filler", *self.models]
        rows = [[*key, *(found.get(model, "") for model in self.models)] for key, found in self.by_task.items()]
        parts += [f"{self.heading}:", _table(head, rows)]
        if skipped := skipped_table(data):
            parts += [skipped.caption, _table(skipped.head, [[cell[0] for cell in row] for row in skipped.rows])]
        return "\n\n".join(part for part in parts if part)


def _horizon(row: dict[Any, Any]) -> str:
    horizon: Horizon = row["horizon"]
    solved = next((count.solved for count in horizon.counts if count.lag == horizon.lag), 0)
    return horizon_text(horizon) + (", clock" if 2 * row["n_clock"] > solved else "")


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = [[escaped(cell) for cell in head], ["---"] * len(head), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
