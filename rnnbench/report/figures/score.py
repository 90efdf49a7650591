"""Score against lag."""

from __future__ import annotations

from rnnbench.report import published, words
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import value_scale
from rnnbench.report.figures.base import TaskFigure, register_figure


@register_figure("score")
class Score(TaskFigure):
    """Score against lag with every seed and the published scores, a panel for each filler."""

    part, order = "Score", 10

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        levels, summary, runs = rows_of(data.levels, problem), rows_of(data.summary, problem), data.outcomes(problem)
        if runs.empty:
            return None
        others = published.points(problem, data.tasks)
        values = [*runs["score"], *summary["score_high"], *levels["value"], *others["value"]]
        scale = value_scale(values, accuracy=problem.score_name == "accuracy")
        builder = PanelBuilder(data.series)
        panels = [
            builder.against_lag(
                f"{filler} filler", table.assign(low=table["score_low"], high=table["score_high"]), block,
                "score", problem.score_title, scale, levels[levels["filler"] == filler], others,
            )
            for _, filler, table, block in data.blocks(problem)
        ]  # fmt: skip
        elsewhere = "" if others.empty else " ✱: published scores, measured under other settings (see Levels to beat)."
        return Figure(
            self.file_name(problem),
            f"{problem.label}: {problem.score_title} against lag",
            f"{words.SCORE_MARKS} Grey: levels that need no memory or no network.{elsewhere} {data.counts(summary)}. "
            f"{data.matching(problem)}",
            panels,
        )
