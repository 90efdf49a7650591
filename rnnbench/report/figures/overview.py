"""Skill against lag, and gradient survival beside it: the two halves of the question, all tasks together."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.analysis.outcomes import ended
from rnnbench.report import words
from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import PanelBuilder, panel
from rnnbench.report.drawing.scales import LOWER_EDGE, log_scale, positive_scale, skill_scale
from rnnbench.report.figures.base import AnswerFigure, register_figure
from rnnbench.report.figures.survival import medians, survivals
from rnnbench.report.formatting import count, sentences
from rnnbench.report.setups import fixed_note


@register_figure("overview")
class Overview(AnswerFigure):
    """For each task, protocol and filler a panel of the skill against lag and one of the gradient's survival."""

    order = 10

    def draw(self, data: ReportData) -> Figure | None:
        pairs = [pair for problem in data.problems for pair in _pairs(data, problem)]
        if not pairs:
            return None
        with_gradients = any(gradient is not None for _, gradient in pairs)
        panels = [
            half or _nothing("no gradient survival is taken here")
            for pair in pairs
            for half in (pair if with_gradients else pair[:1])
        ]
        frozen = data.frozen.dropna(subset=["skill"])
        below = " Skill below −1 is drawn at −1." if (ended(data.runs)["skill"] < -1).any() else ""
        gradients = (
            "Right: the gradient that is left at the evidence as a share of that at the readout, median over seeds, "
            f"after equally many steps of training; thin dots: before it. {LOWER_EDGE}"
        )
        return Figure(
            self.name,
            "Skill and gradient survival against lag" if with_gradients else "Skill against lag",
            sentences(
                f"{'Left: skill' if with_gradients else 'Skill'} 0 is what one gets without memory, 1 the reference: "
                "perfect, or what a simple model reaches with the evidence in view. "
                f"{words.score_marks(data.summary, frozen)}{below} {data.counts(data.summary)}.",
                gradients if with_gradients else "",
                fixed_note(data.summary),
            ),
            panels,
        )


def _pairs(data: ReportData, problem: Problem) -> list[tuple[Panel, Panel | None]]:
    return [
        (_skill(data, problem, setup, table, runs), _survival(data, problem, setup))
        for _, setup, table, runs in data.blocks(problem)
    ]


def _skill(data: ReportData, problem: Problem, setup: str, table: pd.DataFrame, runs: pd.DataFrame) -> Panel:
    summary = rows_of(data.summary, problem)
    scale = skill_scale([*data.outcomes(problem)["skill"].dropna(), *summary["skill_low"].dropna()])
    levels = pd.DataFrame({"level": ["memoryless", "reference"], "value": [0.0, 1.0]})
    frozen = data.frozen.assign(value=data.frozen["skill"]).dropna(subset=["value"])
    return PanelBuilder(data.series).against_lag(
        f"{problem.label}, {setup}", table.assign(low=table["skill_low"], high=table["skill_high"]), runs,
        "skill", "skill", scale, levels.merge(table[["lag"]].drop_duplicates(), how="cross"),
        frozen=frozen[(frozen["problem"] == problem.label) & (frozen["setup"] == setup)],
        distance=problem.distance,
    )  # fmt: skip


def _survival(data: ReportData, problem: Problem, setup: str) -> Panel | None:
    """After equally many steps, with that at initialisation as thin dots; at initialisation alone where there are no
    equal steps."""
    taken = survivals(data, problem)
    later = data.equal_step(problem)
    taken = taken[taken["step"].isin([0] if later is None else [0, later])]
    here = taken[taken["setup"] == setup]
    if here.empty:
        return None
    low, high = positive_scale(taken["survival"])
    lifted = here.assign(survival=here["survival"].clip(lower=low))
    before, runs = lifted[lifted["step"] == 0], lifted[lifted["step"] == (later or 0)]
    when = "at initialisation" if later is None else f"after {count(later)} steps"
    return PanelBuilder(data.series).against_lag(
        f"gradient survival {when}", medians(runs), runs, "survival", "survival", log_scale(low, high),
        frozen=None if later is None else medians(before).rename(columns={"survival": "value"}),
        distance=problem.distance,
    )  # fmt: skip


def _nothing(words_: str) -> Panel:
    """A panel that keeps its neighbour's place."""
    text = alt.Chart(inline_data(pd.DataFrame({"words": [words_]}), ["words"]))
    return panel([text.mark_text().encode(text=alt.Text("words:N"))], "", words_)
