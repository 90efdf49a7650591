"""Panels of what a ridge readout finds of the answer in the state, against the distance from the readout."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import MODEL, PanelBuilder, in_words, panel
from rnnbench.report.drawing.reference_marks import MUTED, level_lines
from rnnbench.report.drawing.scales import value_axis, value_scale

READABLE = "readable_"
"""Of the metrics `readable_initial/<score>` and `readable_final/<score>`, whose step is the distance."""
_WHEN = {"initial": "at initialisation", "final": "after training"}


def readable_panels(data: ReportData, problem: Problem, setup: str, lag: int, farthest: int) -> list[Panel]:
    """One panel for each phase that was logged, mean over seeds, at one lag of a setup; up to the `farthest` step."""
    history = rows_of(data.history, problem)
    here = history[(history["setup"] == setup) & (history["lag"] == lag)]
    levels = rows_of(data.levels, problem)
    levels = levels[(levels["setup"] == setup) & (levels["lag"] == lag) & (levels["level"] == "memoryless")]
    builder, panels = PanelBuilder(data.series), []
    for phase, when in _WHEN.items():
        rows = here[here["metric"] == f"{READABLE}{phase}/{problem.score_name}"].dropna(subset=["value"])
        if rows.empty:
            continue
        table = rows.groupby(["series", "step"], sort=False)["value"].mean().reset_index()
        table = table.rename(columns={"step": "distance", "value": "score"}).sort_values("distance", kind="stable")
        panels.append(
            _panel(builder, f"{problem.distance} {lag}, readable {when}", table, problem, levels, lag, farthest)
        )
    return panels


def _panel(
    builder: PanelBuilder,
    title: str,
    table: pd.DataFrame,
    problem: Problem,
    levels: pd.DataFrame,
    lag: int,
    farthest: int,
) -> Panel:
    """`table`: `series, distance, score`."""
    scale = value_scale([*table["score"], *levels["value"]], accuracy=problem.score_name == "accuracy")
    farthest = max(farthest, int(table["distance"].max()), 1)
    x = alt.X("distance:Q", title="steps back from the readout", scale=alt.Scale(domain=[0, farthest], nice=False),
              axis=alt.Axis(tickCount=6, tickMinStep=1))  # fmt: skip
    y_title = f"readable {problem.score_title}"
    y = alt.Y("score:Q", title=y_title, scale=scale, axis=value_axis(scale))
    drawn = alt.Chart(inline_data(table, ["series", "distance", "score"]))
    layers = [
        alt.Chart(alt.InlineData(values=[{"distance": lag}])).mark_rule(stroke=MUTED, strokeDash=[2, 3]).encode(x=x),
        *level_lines(levels, None, scale, []),
        drawn.mark_line(strokeWidth=1.6, clip=True).encode(x=x, y=y, color=builder.colour, strokeDash=builder.dash),
        drawn.mark_point(size=36, filled=True, opacity=1).encode(
            x=x, y=y, color=builder.colour, shape=builder.shape,
            tooltip=[MODEL, alt.Tooltip("distance:Q"), alt.Tooltip("score:Q", title=y_title, format=".4~g")],
        ),
    ]  # fmt: skip
    return panel(layers, title, in_words(table, "score", "distance", y_title))
