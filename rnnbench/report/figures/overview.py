"""Skill against lag, all tasks together."""

from __future__ import annotations

import pandas as pd

from rnnbench.report import words
from rnnbench.report.data import ReportData, outcomes
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import skill_scale
from rnnbench.report.figures.base import AnswerFigure, register_figure


@register_figure("overview")
class Overview(AnswerFigure):
    """Skill against lag, a panel for each task and filler."""

    order = 10

    def draw(self, data: ReportData) -> Figure | None:
        builder = PanelBuilder(data.series)
        shown = outcomes(data.runs)
        scale = skill_scale([*shown["skill"].dropna(), *data.summary["skill_low"].dropna()])
        levels = pd.DataFrame({"level": ["chance or naive", "perfect"], "value": [0.0, 1.0]})
        panels = [
            builder.against_lag(
                f"{problem}, {filler} filler", table.assign(low=table["skill_low"], high=table["skill_high"]), runs,
                "skill", "skill", scale, levels.merge(table[["lag"]].drop_duplicates(), how="cross"),
            )
            for problem, filler, table, runs in data.blocks()
        ]  # fmt: skip
        if not panels:
            return None
        below = " Skill below −1 is drawn at −1." if (shown["skill"] < -1).any() else ""
        return Figure(
            self.name,
            "Skill against lag",
            f"Skill 0 is chance or the naive forecast, 1 is perfect. {words.SCORE_MARKS}{below} "
            f"{data.counts(data.summary)}.",
            panels,
            columns=2 if len(panels) in (1, 2, 4) else 3,
        )
