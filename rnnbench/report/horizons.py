"""The memory horizons of all models: a row for each model, a column for each task and setup."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rnnbench.analysis.horizon import PASSING, Horizon
from rnnbench.report.data import ReportData
from rnnbench.report.formatting import listed, seeds_text, sentences
from rnnbench.report.setups import fixed_note
from rnnbench.report.tables import Cell, Table

MOST_COLUMNS = 4
"""As many as a page, or a sheet of paper, shows without one being cut off."""


def horizon_tables(data: ReportData) -> list[Table]:
    """Memory horizon of each series with its counts; several tables, of equally many columns, where there are many."""
    labels = list(dict.fromkeys(data.listed["series"]))
    columns = [
        _column(data, str(problem), str(setup), block, labels)
        for (problem, setup), block in data.horizons.groupby(["problem", "setup"], sort=False)
    ]
    count = -(-len(columns) // MOST_COLUMNS)
    width = -(-len(columns) // max(count, 1))
    tables = []
    for first in range(0, len(columns), max(width, 1)):
        shown = columns[first : first + width]
        rows = [[(label,), *(cells[at] for _, cells in shown)] for at, label in enumerate(labels)]
        tables.append(
            Table(
                "Memory horizon, continued." if first else _caption(data), ["model", *(head for head, _ in shown)], rows
            )
        )
    return tables


def _column(
    data: ReportData, problem: str, setup: str, block: pd.DataFrame, labels: list[str]
) -> tuple[str, list[Cell]]:
    table = data.summary[(data.summary["problem"] == problem) & (data.summary["setup"] == setup)]
    lags = sorted(int(lag) for lag in table["lag"].unique())
    by_series = {row["series"]: row for row in block.to_dict("records")}
    cells = [
        _cell(by_series[label], table[table["series"] == label], lags)
        if label in by_series
        else ("skipped" if (problem, setup, label) in data.skipped_series else "not run",)
        for label in labels
    ]
    seeds = seeds_text(int(block["n_low"].min()), int(block["n_high"].max()))
    return f"{problem}, {setup}; lags {' '.join(map(str, lags))}, {seeds} a point", cells


def _caption(data: ReportData) -> str:
    return sentences(
        "Memory horizon: the longest lag at which a falling fit of the success rate is at least one half, with the "
        "seeds that solved it and the next lag. ≥: the longest lag tried; –: not even the shortest; ?: no run has "
        "ended. One sign for each lag of the grid: ● solved by at least half of the seeds, ○ not, · not tested"
        f"{' or skipped' if len(data.skipped) else ''}. Clock: of the runs that solved the horizon, how many answer by "
        "timing.",
        fixed_note(data.horizons),
    )


def _cell(row: dict[Any, Any], table: pd.DataFrame, lags: list[int]) -> Cell:
    success = table.set_index("lag")["success"]
    rates = [success.get(lag) for lag in lags]
    signs = "".join("·" if pd.isna(rate) else "●" if rate >= PASSING else "○" for rate in rates)
    parts = (row["horizon"].told.replace("; ", ", then "), horizon_note(row))
    return (horizon_text(row["horizon"]), signs, *(part for part in parts if part))


def horizon_text(horizon: Horizon) -> str:
    """`"≥ 200"`, `"50"`, `"–"`, `"?"`."""
    return str(horizon).replace(">=", "≥").replace("-", "–")


def horizon_note(row: dict[Any, Any]) -> str:
    """How many of the runs that solved it are clocks, and what others met and this model did not."""
    solved = next((count.solved for count in row["horizon"].counts if count.lag == row["horizon"].lag), 0)
    parts = [f"clock: {row['n_clock']} of {solved}"] if row["n_clock"] else []
    parts += [f"not tested at {listed(map(str, row['untested']))}"] if row["untested"] else []
    return "; ".join(parts)
