"""What a grid found, in short: printed at the end of `rnnbench run` and shown on top of the MLflow page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rnnbench.analysis.results import Results
from rnnbench.experiment.skipped import SKIPPED
from rnnbench.report import words
from rnnbench.report.data import ReportData
from rnnbench.report.tables import horizon_text, skipped_table
from rnnbench.text.markdown import escaped


@dataclass(frozen=True)
class Row:
    """The memory horizon of one series."""

    task: str
    filler: str
    model: str
    horizon: str
    """`50`; `≥ 200`: the longest lag tried; `–`: not even the shortest; `?`: cannot be judged; `skipped`."""


class Headline:
    """The answers of a report, without its figures."""

    heading = "Memory horizon: the longest lag that at least half of the seeds solve, all shorter ones included"

    def __init__(self, results: Results) -> None:
        self._data = ReportData(results)

    @cached_property
    def rows(self) -> list[Row]:
        """One for each series, in the order of the grid."""
        found = {
            (row["problem"], row["filler"], row["series"]): horizon_text(row["horizon"])
            for row in self._data.horizons.to_dict("records")
        } | dict.fromkeys(self._data.skipped_series, SKIPPED)
        keys = self._data.listed[["problem", "filler", "series"]].itertuples(index=False, name=None)
        return [Row(task, filler, model, found[task, filler, model]) for task, filler, model in dict.fromkeys(keys)]

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(row.model for row in self.rows))

    @property
    def by_task(self) -> dict[tuple[str, str], dict[str, str]]:
        """For each task and filler the horizon of each model."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        for row in self.rows:
            found.setdefault((row.task, row.filler), {})[row.model] = row.horizon
        return found

    def markdown(self) -> str:
        """Sentences for each task, the table of memory horizons, how many runs there are, and what is skipped."""
        data = self._data
        parts = [f"**{escaped(found.label)}**: {escaped(words.headline(data, found))}" for found in data.problems]
        parts += [words.BRACKETS, words.run_counts(data, None), words.caution(data)]
        head = ["task", "filler", *self.models]
        rows = [[*key, *(found.get(model, "") for model in self.models)] for key, found in self.by_task.items()]
        parts += [f"{self.heading}:", _table(head, rows)]
        if skipped := skipped_table(data):
            parts += [skipped.caption, _table(skipped.head, [[cell[0] for cell in row] for row in skipped.rows])]
        return "\n\n".join(part for part in parts if part)


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = [[escaped(cell) for cell in head], ["---"] * len(head), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
