"""The table of what training did to a network: gradient norms, clipping, spectra, saturation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.formatting import number
from rnnbench.report.tables import Cell, Table

_QUANTITIES: dict[str, tuple[str, str, bool]] = {
    "gradient norm": (r"gradient_norm/median", "max", False),
    "clipped steps": (r"gradient_norm/clipped", "mean", True),
    "σ_max(U)": (r"recurrent_kernel/sigma_max/.*", "max", False),
    "spectral radius of U": (r"recurrent_kernel/spectral_radius/.*", "max", False),
    "gates closed": (r"saturation/closed/.*", "mean", True),
    "gates open": (r"saturation/open/.*", "mean", True),
    "tanh saturated": (r"saturation/tanh/.*", "mean", True),
}
"""The metrics of each column, how its gates are combined, and whether it is a share."""


def diagnostics_table(data: ReportData, problem: Problem) -> Table | None:
    """First and last value of every series at the longest lag, medians over seeds; None without diagnostics."""
    mine = rows_of(data.history, problem).dropna(subset=["value"])
    mine = mine[mine["lag"] == mine.groupby("setup")["lag"].transform("max")]
    columns = {head: _ends(mine, *found[:2]) for head, found in _QUANTITIES.items()}
    columns = {head: ends for head, ends in columns.items() if ends}
    if not columns:
        return None
    rows: list[list[Cell]] = []
    blocks = dict(list(mine.groupby(["setup", "series"])))
    table, longest = rows_of(data.listed, problem), mine.groupby("setup")["lag"].first()
    for setup, series in dict.fromkeys(zip(table["setup"], table["series"], strict=True)):
        lag = longest.get(setup)
        if (problem.label, setup, series, lag) in data.skipped_at:
            cells: list[Cell] = [("skipped",)] * len(columns)
        elif (setup, series) in blocks:
            cells = [_cell(columns[head].get((setup, series)), _QUANTITIES[head][2]) for head in columns]
        else:
            continue
        rows.append([(str(series), f"{setup}, lag {lag}"), *cells])
    caption = (
        "What training did, at the longest lag: first → last value of a run, medians over seeds. Gradient norm: of the "
        "batch's loss with respect to all weights, before clipping, median over an evaluation interval. σ_max and "
        "spectral radius of the recurrent matrix, the largest over the gates, and shares of gates below 0.1 (closed) "
        "or above 0.9 (open) and of tanh values beyond ±0.8 over all steps of the probe batch: at initialisation → in "
        "the tested network."
    )
    return Table(caption, ["model", *columns], rows)


def _ends(history: pd.DataFrame, metrics: str, over_gates: str) -> dict[Any, dict[Any, Any]]:
    """`first` and `last` value of each series, by setup and series."""
    chosen = history[history["metric"].str.fullmatch(metrics)]
    run = ["setup", "series", "signature"]
    by_step = chosen.groupby([*run, "step"])["value"].agg(over_gates)
    return by_step.groupby(run).agg(["first", "last"]).groupby(run[:2]).median().to_dict("index")


def _cell(ends: dict[Any, Any] | None, share: bool) -> Cell:
    if ends is None:
        return ("–",)
    text: Callable[[float], str] = _percent if share else number
    first, last = text(ends["first"]), text(ends["last"])
    return (first if first == last else f"{first} → {last}",)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
