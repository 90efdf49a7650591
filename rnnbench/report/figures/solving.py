"""How soon a task is solved: share of runs against training step."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from rnnbench.analysis.outcomes import solved
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import MODEL, PanelBuilder, in_words, panel
from rnnbench.report.drawing.scales import step_axis, value_axis
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import sentences
from rnnbench.report.setups import fixed_note

_Y_TITLE = "share that has solved"


@register_figure("solving")
class Solving(TaskFigure):
    """Share of runs that have solved their task by a step: a figure for each setup, a panel for each lag."""

    part, order = "Training", 20

    def draw(self, data: ReportData, problem: Problem) -> list[Figure]:
        runs = data.outcomes(problem)
        if runs.empty or not solved(runs).any():
            return []
        builder, longest = PanelBuilder(data.series), float(runs["steps"].max())
        caption = (
            "Share of runs that have solved their task by a training step (Kaplan & Meier 1958; band: 95% interval by "
            "Greenwood's formula, log-log). Solved is what the counts call so. A run that did not solve it is censored "
            f"at its last step; a diverged one never solves it. {data.counts(rows_of(data.summary, problem))}."
        )
        return [
            Figure(
                self.file_name(problem, str(setup)),
                f"{problem.label}, {setup}: how soon is it solved?",
                sentences(caption, fixed_note(block)),
                [_panel(builder, f"{problem.distance} {lag}", part, longest) for lag, part in block.groupby("lag")],
                columns=3,
            )
            for setup, block in rows_of(data.solving, problem).groupby("setup", sort=False)
        ]


def _panel(builder: PanelBuilder, title: str, rows: pd.DataFrame, longest: float) -> Panel:
    """Steps with their bands; `rows`: `series, step, share, low, high, n`."""
    rows = pd.concat(_from_start_to_end(part, longest) for _, part in rows.groupby("series", sort=False))
    x, scale = step_axis(longest), alt.Scale(domain=[0, 1.02], nice=False)
    y = alt.Y("share:Q", title=_Y_TITLE, scale=scale, axis=value_axis(scale))
    low = alt.Y("low:Q", title=_Y_TITLE, scale=scale)
    band = inline_data(rows.dropna(subset=["low", "high"]), ["series", "step", "low", "high"])
    line = inline_data(rows, ["series", "step", "share"])
    marks = rows[rows["mark"]]
    layers = [
        alt.Chart(band).mark_area(opacity=0.10 * builder.band_opacity, clip=True, interpolate="step-after").encode(
            x=x, y=low, y2=alt.Y2("high:Q"), color=builder.colour
        ),
        alt.Chart(line).mark_line(strokeWidth=2, clip=True, interpolate="step-after").encode(
            x=x, y=y, color=builder.colour, strokeDash=builder.dash
        ),
        alt.Chart(inline_data(marks, ["series", "step", "share", "low", "high", "n"])).mark_point(
            size=40, filled=True, opacity=1
        ).encode(
            x=x, y=y, color=builder.colour, shape=builder.shape,
            tooltip=[MODEL, alt.Tooltip("step:Q"), alt.Tooltip("share:Q", format=".2~f"),
                     alt.Tooltip("low:Q", format=".2~f"), alt.Tooltip("high:Q", format=".2~f"),
                     alt.Tooltip("n:Q", title="runs")],
        ),
    ]  # fmt: skip
    return panel(layers, title, in_words(marks, "share", "step", _Y_TITLE))


def _from_start_to_end(rows: pd.DataFrame, longest: float) -> pd.DataFrame:
    """The rows of one series, from step 0 to the last one; `mark`: whether the share rises there."""
    rows = rows[rows["step"] <= longest]
    about: dict[str, Any] = {"series": rows["series"].iloc[0], "n": rows["n"].iloc[0]} if len(rows) else {}
    if not about:
        return rows.assign(mark=True)
    before, after = {**about, "step": 0.0, "share": 0.0}, rows.iloc[-1].to_dict() | {"step": longest}
    whole = pd.concat([pd.DataFrame([before]), rows, pd.DataFrame([after])], ignore_index=True)
    return whole.assign(mark=whole.index == len(whole) - 1 if rows["share"].max() == 0 else whole["share"].diff() > 0)
