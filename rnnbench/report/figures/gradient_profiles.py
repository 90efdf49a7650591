"""Gradient norm against distance from the readout."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from rnnbench.report import words
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data, inline_series, thinned
from rnnbench.report.drawing.panels import MODEL, PanelBuilder, in_words, panel
from rnnbench.report.drawing.reference_marks import MUTED
from rnnbench.report.drawing.scales import LOWER_EDGE, log_scale, positive_scale, value_axis
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import seeds_text, sentences

_STATES = {"h": (1.0, [1, 0]), "x": (1.0, [1, 0]), "c": (0.55, [4, 3])}
"""Opacity and dash of each state's line."""
_Y_TITLE = "‖∂loss/∂state‖"


@register_figure("gradients")
class GradientProfiles(TaskFigure):
    """Gradient norm against distance before and after training: a figure for each filler, a row for each lag."""

    part, order = "Gradients", 10

    def draw(self, data: ReportData, problem: Problem) -> list[Figure]:
        profiles = rows_of(data.profiles, problem)
        by_filler = profiles[profiles["phase"].isin(words.PHASES)].groupby("filler", sort=False)
        return [self._of_filler(data, problem, str(filler), rows) for filler, rows in by_filler]

    def _of_filler(self, data: ReportData, problem: Problem, filler: str, rows: pd.DataFrame) -> Figure:
        lags = sorted(rows["lag"].unique())
        chosen = sorted({lags[0], lags[(len(lags) - 1) // 2], lags[-1]})
        rows = rows[rows["lag"].isin(chosen)]
        over_seeds = rows.groupby(["lag", "phase", "series", "state", "distance"], sort=False)
        median = over_seeds[["median", "low", "high"]].median().reset_index()
        builder = PanelBuilder(data.series)
        order = {series.label: position for position, series in enumerate(data.series)}
        panels, drawn = [], []
        for lag in chosen:
            both = median[median["lag"] == lag]
            ends = positive_scale([*both["low"], *both["high"]])
            for phase, when in words.PHASES.items():
                part = both[both["phase"] == phase]
                part = thinned(part, "distance", len(part[["series", "state"]].drop_duplicates()))
                if part.empty:
                    continue
                drawn.append(part)
                lifted = part.assign(**part[["median", "low", "high"]].clip(lower=ends[0]))
                panels.append(_panel(builder, f"lag {lag}, {when}", _marked(lifted, order), ends, int(lag)))
        states = (
            " Solid line, filled marks: state h; dashed line, hollow marks: LSTM's cell state c."
            if (rows["state"] == "c").any()
            else ""
        )
        seeds = rows.groupby(["lag", "phase", "series"])["seed"].nunique()
        caption = (
            "Norm of the total derivative of each example's readout loss w.r.t. the state. Line: median over "
            "examples; band: their 10% to 90% quantiles; both are medians over "
            f"{seeds_text(int(seeds.min()), int(seeds.max()))}.{states} "
            f"The evidence lies to the right of the dotted rule. The panels of a lag share their scale. {LOWER_EDGE}"
        )
        return Figure(
            self.file_name(problem, filler),
            f"{problem.label}, {filler} filler: gradient norm against distance from the readout",
            sentences(caption, words.of_gradients(data, problem)),
            panels,
            numbers=pd.concat(drawn, ignore_index=True) if drawn else None,
        )


def _marked(rows: pd.DataFrame, order: dict[str, int]) -> pd.DataFrame:
    """`rows` with the column `mark`: some six marks for each series, at other distances than its neighbours'."""
    distances = np.unique(rows["distance"])
    stride = max(1, len(distances) // 6)
    rank = np.searchsorted(distances, rows["distance"]) + rows["series"].map(order) * max(1, stride // 3)
    return rows.assign(mark=rank % stride == 0)


def _panel(builder: PanelBuilder, title: str, rows: pd.DataFrame, ends: tuple[float, float], lag: int) -> Panel:
    """Median line and band of each series; `rows`: `series, state, distance, median, low, high, mark`."""
    x = alt.X(
        "distance:Q",
        title="steps back from the readout",
        scale=alt.Scale(domain=[0, int(rows["distance"].max())], nice=False),
        axis=alt.Axis(tickCount=6, tickMinStep=1),
    )
    scale = log_scale(*ends)
    y = alt.Y("median:Q", title=_Y_TITLE, scale=scale, axis=value_axis(scale))
    evidence = alt.Chart(alt.InlineData(values=[{"distance": lag}]))
    layers: list[Any] = [evidence.mark_rule(stroke=MUTED, strokeDash=[2, 3]).encode(x=x)]
    for state in _STATES:
        part = rows[rows["state"] == state]
        if len(part):
            layers += _state(builder, state, part, x, y, alt.Y("low:Q", title=_Y_TITLE, scale=scale))
    ends_of = rows[rows["distance"].isin([rows["distance"].min(), rows["distance"].max()])]
    named = ends_of.assign(series=ends_of["series"] + np.where(ends_of["state"] == "c", ", state c", ""))
    return panel(layers, title, in_words(named, "median", "distance", "gradient norm"))


def _state(
    builder: PanelBuilder, state: str, rows: pd.DataFrame, x: alt.X, y: alt.Y, low: alt.Y
) -> list[alt.LayerChart | alt.Chart]:
    opacity, dash = _STATES[state]
    values, unfold = inline_series(rows, ["series"], ["distance", "median", "low", "high"])
    marks = inline_data(rows[rows["mark"]], ["series", "state", "distance", "median", "low", "high"])
    numbers = [alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("median", "low", "high")]
    area = alt.Chart().mark_area(opacity=0.10 * opacity, clip=True)
    line = alt.Chart().mark_line(strokeWidth=2, opacity=opacity, clip=True, strokeDash=dash)
    return [
        alt.layer(
            area.encode(x=x, y=low, y2="high:Q", color=builder.colour),
            line.encode(x=x, y=y, color=builder.colour),
            data=values,
            transform=unfold,
        ),
        alt.Chart(marks)
        .mark_point(size=42, opacity=1, filled=state != "c")
        .encode(
            x=x, y=y, color=builder.colour, shape=builder.shape,
            tooltip=[MODEL, "state:N", "distance:Q", *numbers],
        ),
    ]  # fmt: skip
