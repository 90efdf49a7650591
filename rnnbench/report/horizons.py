"""The memory horizons of all models: a row for each model, a column for each task and setup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnnbench.analysis.horizon import PASSING, Horizon
from rnnbench.report.data import ReportData
from rnnbench.report.drawing.style import MANY_MODELS
from rnnbench.report.formatting import listed, seeds_text, sentences
from rnnbench.report.setups import fixed_note
from rnnbench.report.tables import Cell, Table

MOST_COLUMNS = 4
"""As many as a page, or a sheet of paper, shows without one being cut off."""


@dataclass(frozen=True)
class _Column:
    head: str
    lags: str
    """The lags of its grid and the seeds of a point, in words."""
    cells: list[Cell]


def horizon_tables(data: ReportData) -> list[Table]:
    """Memory horizon of each series with its counts; several tables, of equally many columns, where there are many."""
    labels = list(dict.fromkeys(data.listed["series"]))
    columns = [
        _column(data, str(problem), str(setup), block, labels)
        for (problem, setup), block in data.horizons.groupby(["problem", "setup"], sort=False)
    ]
    alike = len({column.lags for column in columns}) == 1
    heads = [column.head if alike else f"{column.head}; {column.lags}" for column in columns]
    count = -(-len(columns) // MOST_COLUMNS)
    width = -(-len(columns) // max(count, 1))
    tables = []
    for first in range(0, len(columns), max(width, 1)):
        shown = columns[first : first + width]
        rows = [[(label,), *(column.cells[at] for column in shown)] for at, label in enumerate(labels)]
        caption = "Memory horizon, continued." if first else _caption(data, columns[0].lags if alike else "")
        tables.append(Table(caption, ["model", *heads[first : first + width]], rows))
    return tables


def _column(data: ReportData, problem: str, setup: str, block: pd.DataFrame, labels: list[str]) -> _Column:
    table = data.summary[(data.summary["problem"] == problem) & (data.summary["setup"] == setup)]
    lags = sorted(int(lag) for lag in table["lag"].unique())
    by_series = {row["series"]: row for row in block.to_dict("records")}
    # Among many models without counts, so that the figures are not far below.
    counts = len(labels) <= MANY_MODELS
    cells = [
        _cell(by_series[label], table[table["series"] == label], lags, counts)
        if label in by_series
        else ("skipped" if (problem, setup, label) in data.skipped_series else "not run",)
        for label in labels
    ]
    seeds = seeds_text(int(block["n_low"].min()), int(block["n_high"].max()))
    grid = f"lag{'s' if len(lags) > 1 else ''} {listed(map(str, lags))}, {seeds} a point"
    return _Column(f"{problem}, {setup}", grid, cells)


def _caption(data: ReportData, lags: str) -> str:
    many = data.listed["series"].nunique() > MANY_MODELS
    return sentences(
        "Memory horizon: the longest lag at which a falling fit of the success rate is at least one half"
        f"{'; the counts stand with each task' if many else ', with the seeds that solved it and the next lag'}. "
        f"{lags[:1].upper()}{lags[1:]}{'. ' if lags else ''}"
        "≥: the longest lag tried; –: not even the shortest; ?: no run has "
        "ended. One sign for each lag of the grid: ● solved by at least half of the seeds, ○ not, · not tested"
        f"{' or skipped' if len(data.skipped) else ''}. Clock: of the runs that solved the horizon, how many answer by "
        "timing.",
        fixed_note(data.horizons),
    )


def _cell(row: dict[Any, Any], table: pd.DataFrame, lags: list[int], counts: bool) -> Cell:
    success = table.set_index("lag")["success"]
    rates = [success.get(lag) for lag in lags]
    signs = "".join("·" if pd.isna(rate) else "●" if rate >= PASSING else "○" for rate in rates)
    told = row["horizon"].told.replace("; ", ", then ") if counts else ""
    return (horizon_text(row["horizon"]), signs, *(part for part in (told, horizon_note(row)) if part))


def horizon_text(horizon: Horizon) -> str:
    """`"≥ 200"`, `"50"`, `"–"`, `"?"`."""
    return str(horizon).replace(">=", "≥").replace("-", "–")


def horizon_note(row: dict[Any, Any]) -> str:
    """How many of the runs that solved it are clocks, and what others met and this model did not."""
    solved = next((count.solved for count in row["horizon"].counts if count.lag == row["horizon"].lag), 0)
    parts = [f"clock: {row['n_clock']} of {solved}"] if row["n_clock"] else []
    parts += [f"not tested at {listed(map(str, row['untested']))}"] if row["untested"] else []
    return "; ".join(parts)
