"""Score against lag."""

from __future__ import annotations

from rnnbench.report import published, words
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import value_scale
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import sentences
from rnnbench.report.setups import fixed_note


@register_figure("score")
class Score(TaskFigure):
    """Score against lag with every seed, the levels and the published scores, a panel for each setup."""

    part, order = "Score", 10

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        levels, summary, runs = rows_of(data.levels, problem), rows_of(data.summary, problem), data.outcomes(problem)
        if runs.empty:
            return None
        others, frozen = published.points(problem, data.tasks), rows_of(data.frozen, problem)
        values = [*runs["score"], *summary["score_high"], *levels["value"], *frozen["value"], *others["value"]]
        scale = value_scale(values, accuracy=problem.score_name == "accuracy")
        builder = PanelBuilder(data.series)
        panels = [
            builder.against_lag(
                setup, table.assign(low=table["score_low"], high=table["score_high"]), block,
                "score", problem.score_title, scale, levels[levels["setup"] == setup],
                others, frozen[frozen["setup"] == setup], problem.distance,
            )
            for _, setup, table, block in data.blocks(problem)
        ]  # fmt: skip
        elsewhere = (
            "" if others.empty else "✱: published scores; how their settings differ stands under Levels to beat."
        )
        return Figure(
            self.file_name(problem),
            f"{problem.label}: {problem.score_title} against {problem.distance}",
            sentences(
                words.score_marks(summary, frozen),
                "Grey: levels that need no memory or no recurrent network.",
                elsewhere,
                f"{data.counts(summary)}.",
                data.matching(problem),
                fixed_note(summary),
            ),
            panels,
        )
