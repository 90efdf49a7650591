"""Score against the lead: does a network keep what the task asks for, or the first thing that it saw?"""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.analysis.intervals import band, mean
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import MODEL, PanelBuilder, in_words, panel
from rnnbench.report.drawing.reference_marks import level_lines
from rnnbench.report.drawing.scales import lag_axis, value_axis, value_scale
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import sentences
from rnnbench.report.setups import fixed_note

_PANELS = 3
"""Lags that are shown of each setup."""


@register_figure("start_shift")
class StartShift(TaskFigure):
    """Score behind leads of filler, at exactly the trained lag: for each setup some lags."""

    part, order = "Score", 40

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        found = rows_of(data.history, problem)
        found = found[found["metric"] == f"start_shift/{problem.score_name}"]
        if found.empty:
            return None
        table = _over_seeds(found.rename(columns={"step": "lead"}))
        levels = rows_of(data.levels, problem)
        levels = levels[levels["level"].isin(("memoryless", "reference"))]
        frozen = rows_of(data.frozen, problem)
        values = [*table["score"].dropna(), *table["low"].dropna(), *table["high"].dropna(), *levels["value"]]
        values += list(frozen["value"])
        scale = value_scale(values, accuracy=problem.score_name == "accuracy")
        builder = PanelBuilder(data.series)
        panels = [
            _panel(
                builder, f"{setup}, {problem.distance} {lag}", block[block["lag"] == lag], problem.score_title, scale,
                levels[(levels["setup"] == setup) & (levels["lag"] == lag)],
                frozen[(frozen["setup"] == setup) & (frozen["lag"] == lag)],
            )
            for setup, block in table.groupby("setup", sort=False)
            for lag in _spread(sorted(block["lag"].unique()))
        ]  # fmt: skip
        caption = (
            f"{problem.score_title.capitalize()} at exactly the trained lag, behind a lead of so many steps of filler "
            "before the evidence; the last lead is twice the longest of training. A network that keeps whatever it saw "
            "first fails behind a lead. Line: mean over seeds; band: their range, from ten seeds on a bootstrap."
            f"{' Thin dots: the same network frozen at initialisation.' if len(frozen) else ''}"
        )
        return Figure(
            self.file_name(problem),
            f"{problem.label}: score against the lead before the evidence",
            sentences(caption, fixed_note(rows_of(data.runs, problem))),
            panels,
            columns=3,
        )


def _spread(lags: list[int]) -> list[int]:
    """At most three: the first, the middle and the last."""
    return lags if len(lags) <= _PANELS else [lags[0], lags[(len(lags) - 1) // 2], lags[-1]]


def _over_seeds(found: pd.DataFrame) -> pd.DataFrame:
    """`setup, series, lag, lead, score, low, high, n`."""
    rows = []
    for key, at in found.groupby(["setup", "series", "lag", "lead"], sort=False):
        around = band(at["value"].tolist())
        ends = {"low": around.low, "high": around.high} if around else {"low": float("nan"), "high": float("nan")}
        values = {"score": mean(at["value"].tolist()), **ends, "n": len(at)}
        rows.append(dict(zip(["setup", "series", "lag", "lead"], key, strict=True)) | values)
    return pd.DataFrame(rows).sort_values("lead", kind="stable")


def _panel(
    builder: PanelBuilder,
    title: str,
    rows: pd.DataFrame,
    y_title: str,
    y_scale: alt.Scale,
    levels: pd.DataFrame,
    frozen: pd.DataFrame,
) -> Panel:
    """`rows`: `series, lead, score, low, high, n`."""
    x = lag_axis(sorted({int(lead) for lead in rows["lead"]}), "lead").title("lead (steps before the evidence)")
    y = alt.Y("score:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale))
    known = rows.dropna(subset=["score"])
    points = alt.Chart(inline_data(known, ["series", "lead", "score", "n"]))
    around = inline_data(rows.dropna(subset=["low"]), ["series", "lead", "low", "high"])
    layers = [
        alt.Chart(around).mark_area(opacity=0.12 * builder.band_opacity, clip=True).encode(
            x=x, y=alt.Y("low:Q", title=y_title, scale=y_scale), y2=alt.Y2("high:Q"), color=builder.colour
        ),
        *level_lines(levels, None, y_scale, []),
        *builder.frozen_rules(frozen, y_scale),
        points.mark_line(strokeWidth=2, clip=True).encode(x=x, y=y, color=builder.colour, strokeDash=builder.dash),
        points.mark_point(size=40, filled=True, opacity=1).encode(
            x=x, y=y, color=builder.colour, shape=builder.shape,
            tooltip=[MODEL, alt.Tooltip("lead:Q"), alt.Tooltip("score:Q", title=y_title, format=".4~g"),
                     alt.Tooltip("n:Q", title="runs")],
        ),
    ]  # fmt: skip
    return panel(layers, title, in_words(known, "score", "lead", y_title))
