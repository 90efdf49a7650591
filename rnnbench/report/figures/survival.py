"""Gradient survival against lag, before training and after equally many steps."""

from __future__ import annotations

import pandas as pd

from rnnbench.report import words
from rnnbench.report.data import SURVIVAL, Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import LOWER_EDGE, log_scale, positive_scale
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import count, sentences


@register_figure("survival")
class Survival(TaskFigure):
    """Gradient survival against lag at equal steps: for each setup a panel at initialisation and one later."""

    part, order = "Gradients", 20

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        later = data.equal_step(problem)
        steps = {0: "at initialisation"} | ({} if later is None else {later: f"after {count(later)} steps"})
        taken = survivals(data, problem)
        taken = taken[taken["step"].isin(steps)]
        if taken.empty:
            return None
        low, high = positive_scale(taken["survival"])
        lifted = taken.assign(survival=taken["survival"].clip(lower=low))
        builder = PanelBuilder(data.series)
        panels = [
            builder.against_lag(
                f"{setup}, {when}",
                medians(runs),
                runs,
                "survival",
                "survival",
                log_scale(low, high),
                distance=problem.distance,
            )
            for setup, block in lifted.groupby("setup", sort=False)
            for step, when in steps.items()
            if len(runs := block[block["step"] == step])
        ]
        caption = (
            "Survival of the gradient by the joint state: median over examples of its norm over the evidence steps, "
            "divided by that at the readout. All networks after the same number of training steps. Line: median over "
            f"seeds; small marks: single seeds. {LOWER_EDGE}"
        )
        return Figure(
            self.file_name(problem),
            f"{problem.label}: gradient survival against {problem.distance}, at equal training steps",
            sentences(caption, words.of_gradients(data, problem)),
            panels,
        )


def survivals(data: ReportData, problem: Problem) -> pd.DataFrame:
    """Survival of each run at each step where its gradient was taken: `setup, series, lag, seed, step, survival`."""
    taken = rows_of(data.history, problem)
    taken = taken[taken["metric"] == SURVIVAL].dropna(subset=["value"])
    return taken.rename(columns={"value": "survival"}).assign(status="finished")


def medians(runs: pd.DataFrame) -> pd.DataFrame:
    """Over seeds: `series, lag, survival, n`."""
    over_seeds = runs.groupby(["series", "lag"], sort=False)["survival"].agg(["median", "size"]).reset_index()
    return over_seeds.rename(columns={"median": "survival", "size": "n"}).sort_values("lag", kind="stable")
