"""Gradient norm, and what can be read from the state, against the distance from the readout."""

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
from rnnbench.report.drawing.readable import READABLE, readable_panels
from rnnbench.report.drawing.reference_marks import MUTED
from rnnbench.report.drawing.scales import LOWER_EDGE, log_scale, positive_scale, value_axis
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import seeds_text, sentences
from rnnbench.report.setups import fixed_note

_STATES = {"joint": (1.0, [1, 0]), "x": (1.0, [1, 0]), "h": (0.55, [1, 3]), "c": (0.55, [4, 3])}
"""Opacity and dash of each state's line."""
_WHOLE = ("joint", "x")
"""The states that have a band, and stand for the whole network."""
_Y_TITLE = "‖∂loss/∂state‖"


@register_figure("gradients")
class GradientProfiles(TaskFigure):
    """Gradient norm and readable information against distance, before and after training.

    A figure for each setup; for each lag a row of gradients, and one of what a ridge readout finds in the state.
    """

    part, order = "Gradients", 10

    def draw(self, data: ReportData, problem: Problem) -> list[Figure]:
        profiles = rows_of(data.profiles, problem)
        by_setup = profiles[profiles["phase"].isin(words.PHASES)].groupby("setup", sort=False)
        return [self._of_setup(data, problem, str(setup), rows) for setup, rows in by_setup]

    def _of_setup(self, data: ReportData, problem: Problem, setup: str, rows: pd.DataFrame) -> Figure:
        lags = sorted(rows["lag"].unique())
        chosen = sorted({lags[0], lags[(len(lags) - 1) // 2], lags[-1]})
        rows = rows[rows["lag"].isin(chosen)]
        rows = _without_repetition(rows)
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
                panels.append(
                    _panel(builder, f"{problem.distance} {lag}, {when}", _marked(lifted, order), ends, int(lag))
                )
            panels += readable_panels(data, problem, setup, int(lag), int(both["distance"].max()))
        told = any(metric.startswith(READABLE) for metric in rows_of(data.history, problem)["metric"].unique())
        states = (
            " Solid line, filled marks: by all states jointly; dotted: h; dashed, hollow marks: c."
            if (rows["state"] == "c").any()
            else ""
        )
        states += (
            " Below each gradient what can be read of the answer from the state there, by a ridge readout: a network "
            "that latches has no gradient and all of the information."
            if told
            else ""
        )
        seeds = rows.groupby(["lag", "phase", "series"])["seed"].nunique()
        caption = (
            "Norm of the total derivative of each example's readout loss w.r.t. the joint state. Line: median over "
            "examples; band: their 10% to 90% quantiles; both are medians over "
            f"{seeds_text(int(seeds.min()), int(seeds.max()))}.{states} The tested networks had their best validation "
            "score after steps of their own; the figure of survival compares equal steps. "
            f"The evidence lies to the right of the dotted rule. The panels of a lag share their scale. {LOWER_EDGE}"
        )
        return Figure(
            self.file_name(problem, setup),
            f"{problem.label}, {setup}: gradient and information against distance from the readout",
            sentences(caption, words.of_gradients(data, problem), fixed_note(rows)),
            panels,
            numbers=pd.concat(drawn, ignore_index=True) if drawn else None,
        )


def _without_repetition(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` without the single states of a model that has only one: they are the joint state again."""
    joint = rows.groupby(["series"])["state"].transform(lambda states: "joint" in set(states))
    several = rows.groupby(["series"])["state"].transform(lambda states: "c" in set(states))
    return rows[(rows["state"] != "h") | several | ~joint]


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
    single = ~ends_of["state"].isin(_WHOLE)
    named = ends_of.assign(series=ends_of["series"] + np.where(single, ", state " + ends_of["state"], ""))
    return panel(layers, title, in_words(named, "median", "distance", "gradient norm"))


def _state(
    builder: PanelBuilder, state: str, rows: pd.DataFrame, x: alt.X, y: alt.Y, low: alt.Y
) -> list[alt.LayerChart | alt.Chart]:
    opacity, dash = _STATES[state]
    ends = ["low", "high"] if state in _WHOLE else []
    values, unfold = inline_series(rows, ["series"], ["distance", "median", *ends])
    marks = inline_data(rows[rows["mark"]], ["series", "state", "distance", "median", "low", "high"])
    numbers = [alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("median", "low", "high")]
    area = alt.Chart().mark_area(opacity=0.10 * opacity * builder.band_opacity, clip=True)
    line = alt.Chart().mark_line(strokeWidth=2, opacity=opacity, clip=True, strokeDash=dash)
    return [
        alt.layer(
            *([area.encode(x=x, y=low, y2=alt.Y2("high:Q"), color=builder.colour)] if ends else []),
            line.encode(x=x, y=y, color=builder.colour),
            data=values,
            transform=unfold,
        ),
        alt.Chart(marks)
        .mark_point(size=42, opacity=1, filled=state != "c")
        .encode(
            x=x, y=y, color=builder.colour, shape=builder.shape,
            tooltip=[MODEL, alt.Tooltip("state:N"), alt.Tooltip("distance:Q"), *numbers],
        ),
    ]  # fmt: skip
