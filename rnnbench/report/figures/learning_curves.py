"""Validation score against training step."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data, inline_series, thinned
from rnnbench.report.drawing.panels import MODEL, SEED, PanelBuilder, in_words, panel
from rnnbench.report.drawing.reference_marks import level_lines
from rnnbench.report.drawing.scales import step_axis, value_axis, value_scale
from rnnbench.report.figures.base import TaskFigure, register_figure


@register_figure("curves")
class LearningCurves(TaskFigure):
    """Validation score of every run against training step: a figure for each setup, a panel for each lag."""

    part, order = "Training", 10

    def draw(self, data: ReportData, problem: Problem) -> list[Figure]:
        history = rows_of(data.history, problem)
        scores = history[history["metric"] == f"validation/{problem.score_name}"].dropna(subset=["value"])
        if scores.empty:
            return []
        levels, frozen = rows_of(data.levels, problem), rows_of(data.frozen, problem)
        scale = value_scale(
            [*scores["value"], *levels["value"], *frozen["value"]], accuracy=problem.score_name == "accuracy"
        )
        builder, longest = PanelBuilder(data.series), float(scores["step"].max() or 1)
        figures = []
        for setup, rows in scores.groupby("setup", sort=False):
            by_lag = {
                lag: thinned(part, "step", part["signature"].nunique())
                for lag in sorted(rows["lag"].unique())
                for part in [rows[rows["lag"] == lag]]
            }
            panels = [
                _panel(
                    builder, f"{problem.distance} {lag}", part, problem.score_title, scale, longest,
                    levels[(levels["setup"] == setup) & (levels["lag"] == lag)],
                    frozen[(frozen["setup"] == setup) & (frozen["lag"] == lag)],
                )
                for lag, part in by_lag.items()
            ]  # fmt: skip
            figures.append(
                Figure(
                    self.file_name(problem, str(setup)),
                    f"{problem.label}, {setup}: learning curves",
                    f"Validation {problem.score_title} of every run that reported one; the mark is its last "
                    "evaluation."
                    f"{' Thin dots: the test score of the network frozen at initialisation.' if len(frozen) else ''}",
                    panels,
                    columns=3,
                    numbers=pd.concat(by_lag.values())[["lag", "series", "seed", "step", "value"]],
                )
            )
        return figures


def _panel(
    builder: PanelBuilder,
    title: str,
    rows: pd.DataFrame,
    y_title: str,
    y_scale: alt.Scale,
    longest: float,
    levels: pd.DataFrame,
    frozen: pd.DataFrame,
) -> Panel:
    """One thin line for each run; `rows`: `series, seed, run, step, value`."""
    x, y = step_axis(longest), alt.Y("value:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale))
    values, unfold = inline_series(rows, ["series", "seed"], ["step", "value"])
    line = alt.Chart(values, transform=unfold).mark_line(strokeWidth=1.1, opacity=0.75, clip=True)
    ends = rows.loc[rows.groupby(["series", "seed"], sort=False)["step"].idxmax()] if len(rows) else rows
    last = alt.Chart(inline_data(ends, ["series", "seed", "step", "value", "run"]))
    return panel(
        [
            *level_lines(levels, None, y_scale, []),
            *builder.frozen_rules(frozen, y_scale),
            line.encode(x=x, y=y, color=builder.colour, strokeDash=builder.dash, detail=alt.Detail("seed:N")),
            last.mark_point(size=32, filled=True, cursor="pointer").encode(
                x=x, y=y, color=builder.colour, shape=builder.shape,
                tooltip=[MODEL, SEED, alt.Tooltip("step:Q", title="last step"),
                         alt.Tooltip("value:Q", title=y_title, format=".4~g")],
            ),
        ],
        title,
        in_words(ends.sort_values("step", kind="stable"), "value", "step", f"last {y_title} of each seed"),
    )  # fmt: skip
