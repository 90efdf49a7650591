"""Time of a training step against lag."""

from __future__ import annotations

from rnnbench.report.data import Problem, ReportData, step_milliseconds
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import log_scale, positive_scale
from rnnbench.report.figures.base import TaskFigure, register_figure


@register_figure("cost")
class Cost(TaskFigure):
    """Time of a training step against lag."""

    part, order = "Cost", 10

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        runs = data.outcomes(problem)
        runs = runs.assign(step_ms=step_milliseconds(runs)).dropna(subset=["step_ms"])
        if runs.empty:
            return None
        medians = runs.groupby(["series", "lag"], sort=False)["step_ms"].agg(["median", "size"]).reset_index()
        medians = medians.rename(columns={"median": "step_ms", "size": "n"}).sort_values("lag", kind="stable")
        low, high = positive_scale(runs["step_ms"])
        panel = PanelBuilder(data.series).against_lag(
            "",
            medians,
            runs.assign(status="finished"),
            "step_ms",
            "milliseconds a step",
            log_scale(low, high),
            distance=problem.distance,
        )
        return Figure(
            self.file_name(problem),
            f"{problem.label}: time of a training step against {problem.distance}",
            "Training time divided by the number of steps, including compilation where the run was the first of its "
            "network in a worker. Line: median over seeds and fillers; small marks: single runs. Measured on the "
            "machine named below, which may have done other runs at the same time.",
            [panel],
        )
