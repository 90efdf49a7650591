"""Skill against lag, all tasks together."""

from __future__ import annotations

import pandas as pd

from rnnbench.analysis.outcomes import ended
from rnnbench.report import words
from rnnbench.report.data import ReportData
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import skill_scale
from rnnbench.report.figures.base import AnswerFigure, register_figure
from rnnbench.report.formatting import sentences
from rnnbench.report.setups import fixed_note


@register_figure("overview")
class Overview(AnswerFigure):
    """Skill against lag, a panel for each task, protocol and filler."""

    order = 10

    def draw(self, data: ReportData) -> Figure | None:
        builder = PanelBuilder(data.series)
        shown = ended(data.runs)
        scale = skill_scale([*shown["skill"].dropna(), *data.summary["skill_low"].dropna()])
        levels = pd.DataFrame({"level": ["memoryless", "reference"], "value": [0.0, 1.0]})
        frozen = data.frozen.assign(value=data.frozen["skill"]).dropna(subset=["value"])
        distances = {problem.label: problem.distance for problem in data.problems}
        panels = [
            builder.against_lag(
                f"{problem}, {setup}", table.assign(low=table["skill_low"], high=table["skill_high"]), runs,
                "skill", "skill", scale, levels.merge(table[["lag"]].drop_duplicates(), how="cross"),
                frozen=frozen[(frozen["problem"] == problem) & (frozen["setup"] == setup)],
                distance=distances[problem],
            )
            for problem, setup, table, runs in data.blocks()
        ]  # fmt: skip
        if not panels:
            return None
        below = " Skill below −1 is drawn at −1." if (shown["skill"] < -1).any() else ""
        return Figure(
            self.name,
            "Skill against lag",
            sentences(
                "Skill 0 is what one gets without memory, 1 the reference: perfect, or what a simple model reaches "
                f"with the evidence in view. "
                f"{words.score_marks(data.summary, frozen)}{below} {data.counts(data.summary)}.",
                fixed_note(data.summary),
            ),
            panels,
            columns=2 if len(panels) in (1, 2, 4) else 3,
        )
