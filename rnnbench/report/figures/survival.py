"""Gradient survival against lag."""

from __future__ import annotations

import pandas as pd

from rnnbench.report import words
from rnnbench.report.data import Problem, ReportData
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import LOWER_EDGE, log_scale, positive_scale
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import sentences


@register_figure("survival")
class Survival(TaskFigure):
    """Gradient survival after training against lag, a panel for each filler."""

    part, order = "Gradients", 20

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        builder = PanelBuilder(data.series)
        blocks = [block for block in data.blocks(problem) if block[3]["survival"].notna().any()]
        if not blocks:
            return None
        low, high = positive_scale([value for *_, runs in blocks for value in runs["survival"].dropna()])
        panels = [
            builder.against_lag(
                f"{filler} filler", _lifted(table, low), _lifted(runs.assign(status="finished"), low),
                "survival", "survival", log_scale(low, high),
            )
            for _, filler, table, runs in blocks
        ]  # fmt: skip
        counts = data.counts(pd.concat(table for _, _, table, _ in blocks))
        caption = (
            "Survival: mean gradient norm over the evidence steps divided by the norm at the readout. Line: median "
            f"over seeds; small marks: single seeds. {LOWER_EDGE} {counts}."
        )
        return Figure(
            self.file_name(problem),
            f"{problem.label}: gradient survival against lag, after training",
            sentences(caption, words.of_gradients(data, problem)),
            panels,
        )


def _lifted(table: pd.DataFrame, low: float) -> pd.DataFrame:
    # A norm that underflowed to 0 has no logarithm: it is drawn at the lower edge.
    return table.assign(survival=table["survival"].astype(float).clip(lower=low))
