"""Whether the gradient predicts success: score against survival."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.report import words
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import MODEL, PanelBuilder, panel
from rnnbench.report.drawing.reference_marks import level_lines
from rnnbench.report.drawing.scales import LOWER_EDGE, positive_scale, value_axis, value_scale
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import sentences


@register_figure("prediction")
class Prediction(TaskFigure):
    """Score of each run against its gradient's survival before and after training, two panels for each filler."""

    part, order = "Gradients", 30

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        runs = data.outcomes(problem).dropna(subset=["score"])
        columns = {"survival_initial": words.PHASES["initial"], "survival": words.PHASES["final"]}
        columns = {column: when for column, when in columns.items() if runs[column].notna().any()}
        if not columns:
            return None
        levels = rows_of(data.levels, problem)
        scale = value_scale([*runs["score"], *levels["value"]], accuracy=problem.score_name == "accuracy")
        ends = positive_scale([value for column in columns for value in runs[column].dropna()])
        builder = PanelBuilder(data.series)
        panels = [
            _panel(
                builder, f"{filler} filler, {when}", block.dropna(subset=[column]), column, ends, problem.score_title,
                scale, levels[levels["filler"] == filler].drop_duplicates(["level", "value"]).groupby("level").head(1),
                words.association(data, problem, str(filler), column),
            )
            for filler, block in runs.groupby("filler", sort=False)
            for column, when in columns.items()
            if block[column].notna().any()
        ]  # fmt: skip
        found = " ".join(f"{panel['title'].capitalize()}: {panel['description']}" for panel in panels)
        caption = (
            f"{problem.score_title.capitalize()} of each run against the survival of its gradient, at all lags. "
            f"{found} Runs share models and lags, so ρ describes these runs and no more. {LOWER_EDGE}"
        )
        return Figure(
            self.file_name(problem),
            f"{problem.label}: does the gradient predict success?",
            sentences(caption, words.of_gradients(data, problem)),
            panels,
        )


def _panel(
    builder: PanelBuilder,
    title: str,
    runs: pd.DataFrame,
    survival: str,
    ends: tuple[float, float],
    y_title: str,
    y_scale: alt.Scale,
    levels: pd.DataFrame,
    found: str,
) -> Panel:
    """`score` of each run against its column `survival`, on an axis between `ends`."""
    low, high = ends
    scale = alt.Scale(type="log", domain=[low, high], nice=False, clamp=True, padding=6)
    lifted = runs.assign(**{survival: runs[survival].clip(lower=low)})
    shown = inline_data(lifted, ["series", "lag", "seed", survival, "score", "status", "run"])
    points = alt.Chart(shown).mark_point(size=38, strokeWidth=1.4, opacity=0.8, cursor="pointer")
    return panel(
        [
            *level_lines(levels, None, y_scale, []),
            points.encode(
                x=alt.X(f"{survival}:Q", title="gradient survival", scale=scale, axis=value_axis(scale)),
                y=alt.Y("score:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale)),
                color=builder.colour, shape=builder.shape,
                tooltip=[MODEL, "lag:Q", "seed:Q", alt.Tooltip(f"{survival}:Q", title="survival", format=".3~g"),
                         alt.Tooltip("score:Q", title=y_title, format=".4~g"), "status:N"],
            ),
        ],
        title,
        found,
    )  # fmt: skip
