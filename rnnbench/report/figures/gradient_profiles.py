"""What flows back through time: profiles, survival against the lag, and survival against the score."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnnbench.report import words
from rnnbench.report.data import Problem, ReportData, outcomes, seeds_text
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.inline import thinned
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import log_scale, positive_scale, value_scale
from rnnbench.report.drawing.style import slug

_PHASES = {"initial": "at initialisation", "final": "after training"}
_FLOOR = "What lies 16 decades below the largest value, 0 included, is drawn at the lower edge."


def gradients(data: ReportData, problem: Problem) -> list[Figure]:
    """Gradient norm against distance before and after training, a figure for each filler."""
    mine = data.profiles[(data.profiles["problem"] == problem.label) & data.profiles["phase"].isin(_PHASES)]
    return [_profiles(data, problem, str(filler), rows) for filler, rows in mine.groupby("filler", sort=False)]


def survival(data: ReportData, problem: Problem) -> Figure | None:
    """Gradient survival after training against lag, a panel for each filler."""
    builder = PanelBuilder(data.series)
    blocks = [block for block in data.blocks(problem) if block[3]["survival"].notna().any()]
    if not blocks:
        return None
    low, high = positive_scale([value for *_, runs in blocks for value in runs["survival"].dropna()])
    panels = [
        builder.against_lag(
            f"{filler} filler", _lifted(table, "survival", low),
            _lifted(runs.assign(status="finished"), "survival", low), "survival", "survival", log_scale(low, high),
        )
        for _, filler, table, runs in blocks
    ]  # fmt: skip
    counts = data.counts(pd.concat(table for _, _, table, _ in blocks))
    return Figure(
        f"survival-{problem.slug}",
        f"{problem.label}: gradient survival against lag, after training",
        "Survival: mean gradient norm over the evidence steps divided by the norm at the readout. Line: median over "
        f"seeds; small marks: single seeds. {_FLOOR} {counts}.{_unsound(data, problem)}",
        panels,
    )


def prediction(data: ReportData, problem: Problem) -> Figure | None:
    """Score of each run against its gradient's survival before and after training, two panels for each filler."""
    runs = outcomes(data.runs[data.runs["problem"] == problem.label]).dropna(subset=["score"])
    columns = {"survival_initial": _PHASES["initial"], "survival": _PHASES["final"]}
    columns = {column: when for column, when in columns.items() if runs[column].notna().any()}
    if not columns:
        return None
    levels = data.levels[data.levels["problem"] == problem.label]
    scale = value_scale([*runs["score"], *levels["value"]], accuracy=problem.score_name == "accuracy")
    ends = positive_scale([value for column in columns for value in runs[column].dropna()])
    builder = PanelBuilder(data.series)
    panels = [
        builder.together(
            f"{filler} filler, {when}", block.dropna(subset=[column]), column, ends, problem.score_title, scale,
            levels[levels["filler"] == filler].drop_duplicates(["level", "value"]).groupby("level").head(1),
            words.association(data, problem, str(filler), column),
        )
        for filler, block in runs.groupby("filler", sort=False)
        for column, when in columns.items()
        if block[column].notna().any()
    ]  # fmt: skip
    said = " ".join(f"{panel['title'].capitalize()}: {panel['description']}" for panel in panels)
    return Figure(
        f"prediction-{problem.slug}",
        f"{problem.label}: does the gradient predict success?",
        f"{problem.score_title.capitalize()} of each run against the survival of its gradient, at all lags. {said} "
        "Runs share models and lags, so that ρ describes these runs and no more. "
        f"{_FLOOR}{_unsound(data, problem)}",
        panels,
    )


def _profiles(data: ReportData, problem: Problem, filler: str, rows: pd.DataFrame) -> Figure:
    lags = sorted(rows["lag"].unique())
    chosen = sorted({lags[0], lags[(len(lags) - 1) // 2], lags[-1]})
    rows = rows[rows["lag"].isin(chosen)]
    order = {series.label: position for position, series in enumerate(data.series)}
    over_seeds = rows.groupby(["lag", "phase", "series", "state", "distance"], sort=False)
    median = over_seeds[["median", "low", "high"]].median().reset_index()
    builder = PanelBuilder(data.series)
    panels, drawn = [], []
    for lag in chosen:
        both = median[median["lag"] == lag]
        low, high = positive_scale([*both["low"], *both["high"]])
        for phase, when in _PHASES.items():
            part = both[both["phase"] == phase]
            part = thinned(part, "distance", len(part[["series", "state"]].drop_duplicates()))
            if part.empty:
                continue
            drawn.append(part)
            distances = np.unique(part["distance"])
            stride = max(1, len(distances) // 6)
            rank = np.searchsorted(distances, part["distance"]) + part["series"].map(order) * max(1, stride // 3)
            part = part.assign(mark=rank % stride == 0, **part[["median", "low", "high"]].clip(lower=low))
            panels.append(builder.gradients(f"lag {lag}, {when}", part, (low, high), int(distances[-1]), int(lag)))
    states = (
        " Solid line, filled marks: state h; dashed line, hollow marks: LSTM's cell state c."
        if (rows["state"] == "c").any()
        else ""
    )
    seeds = rows.groupby(["lag", "phase", "series"])["seed"].nunique()
    return Figure(
        f"gradients-{problem.slug}-{slug(filler)}",
        f"{problem.label}, {filler} filler: gradient norm against distance from the readout",
        "Norm of the total derivative of each example's readout loss by the state. Line: median over examples; "
        f"band: their 10 to 90%; both the median over {seeds_text(int(seeds.min()), int(seeds.max()))}.{states} "
        "Dotted rule: to its right stands the evidence. The two panels of a lag share "
        f"their scale. {_FLOOR}{_unsound(data, problem)}",
        panels,
        numbers=pd.concat(drawn, ignore_index=True) if drawn else None,
    )


def _unsound(data: ReportData, problem: Problem) -> str:
    said = words.unsound(data, problem)
    return f" {said}" if said else ""


def _lifted(table: pd.DataFrame, column: str, low: float) -> pd.DataFrame:
    # A norm that underflowed to 0 has no logarithm: it is drawn at the lower edge.
    return table.assign(**{column: table[column].astype(float).clip(lower=low)})
