"""Does the gradient tell who will succeed: score against survival at initialisation."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.report import words
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import LAG, MODEL, SEED, PanelBuilder, panel
from rnnbench.report.drawing.reference_marks import level_lines
from rnnbench.report.drawing.scales import LOWER_EDGE, positive_scale, value_axis, value_scale
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import sentences
from rnnbench.report.setups import fixed_note


@register_figure("prediction")
class Prediction(TaskFigure):
    """Score of each run against its gradient's survival before training, a panel for each setup."""

    part, order = "Gradients", 30

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        runs = data.outcomes(problem).dropna(subset=["score", "survival_initial"])
        if runs.empty:
            return None
        levels = rows_of(data.levels, problem)
        scale = value_scale([*runs["score"], *levels["value"]], accuracy=problem.score_name == "accuracy")
        ends = positive_scale(runs["survival_initial"])
        builder = PanelBuilder(data.series)
        panels = [
            _panel(
                builder, str(setup), block, ends, problem.score_title, scale,
                levels[levels["setup"] == setup].drop_duplicates(["level", "value"]).groupby("level").head(1),
            )
            for setup, block in runs.groupby("setup", sort=False)
        ]  # fmt: skip
        caption = (
            f"{problem.score_title.capitalize()} of each run against the survival of its gradient at initialisation, "
            f"at all lags. {LOWER_EDGE}"
        )
        return Figure(
            self.file_name(problem),
            f"{problem.label}: does the gradient tell who will succeed?",
            sentences(caption, words.concordances(data, problem), words.of_gradients(data, problem), fixed_note(runs)),
            panels,
        )


def _panel(
    builder: PanelBuilder,
    title: str,
    runs: pd.DataFrame,
    ends: tuple[float, float],
    y_title: str,
    y_scale: alt.Scale,
    levels: pd.DataFrame,
) -> Panel:
    """`score` of each run against its `survival_initial`, on an axis between `ends`."""
    low, high = ends
    scale = alt.Scale(type="log", domain=[low, high], nice=False, clamp=True, padding=6)
    lifted = runs.assign(survival=runs["survival_initial"].clip(lower=low))
    shown = inline_data(lifted, ["series", "lag", "seed", "survival", "score", "status", "run"])
    points = alt.Chart(shown).mark_point(size=38, strokeWidth=1.4, opacity=0.8, cursor="pointer")
    described = f"{y_title} of {len(runs)} runs against survival from {words.range_of(runs['survival_initial'])}."
    return panel(
        [
            *level_lines(levels, None, y_scale, []),
            points.encode(
                x=alt.X("survival:Q", title="gradient survival at initialisation", scale=scale, axis=value_axis(scale)),
                y=alt.Y("score:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale)),
                color=builder.colour, shape=builder.shape,
                tooltip=[MODEL, LAG, SEED, alt.Tooltip("survival:Q", format=".3~g"),
                         alt.Tooltip("score:Q", title=y_title, format=".4~g"), alt.Tooltip("status:N")],
            ),
        ],
        title,
        described,
    )  # fmt: skip
