"""Skill and score against the lag."""

from __future__ import annotations

import pandas as pd

from rnnbench.report.data import Problem, ReportData, outcomes
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import skill_scale, value_scale

_READING = (
    "Line: IQM over seeds; band: its 95% bootstrap interval; small marks: single seeds; "
    "×: diverged (at the lower edge where it has no score). Models stand a little apart at each lag."
)


def overview(data: ReportData) -> Figure | None:
    """Skill against lag, a panel for each task and filler."""
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
        "overview",
        "Skill against lag",
        f"Skill 0 is chance or the naive forecast, 1 is perfect. {_READING}{below} {data.counts(data.summary)}.",
        panels,
        columns=2 if len(panels) in (1, 2, 4) else 3,
    )


def scores(data: ReportData, problem: Problem, published: pd.DataFrame) -> Figure | None:
    """Score against lag with every seed and `published` figures (`label, lag, value`), a panel for each filler."""
    builder = PanelBuilder(data.series)
    levels = data.levels[data.levels["problem"] == problem.label]
    mine = data.summary[data.summary["problem"] == problem.label]
    runs = outcomes(data.runs[data.runs["problem"] == problem.label])
    if runs.empty:
        return None
    values = [*runs["score"], *mine["score_high"], *levels["value"], *published["value"]]
    scale = value_scale(values, accuracy=problem.score_name == "accuracy")
    panels = [
        builder.against_lag(
            f"{filler} filler", table.assign(low=table["score_low"], high=table["score_high"]), block,
            "score", problem.score_title, scale, levels[levels["filler"] == filler], published,
        )
        for _, filler, table, block in data.blocks(problem)
    ]  # fmt: skip
    elsewhere = "" if published.empty else " ✱: published figures, measured under other settings (see Levels to beat)."
    return Figure(
        f"score-{problem.slug}",
        f"{problem.label}: {problem.score_title} against lag",
        f"{_READING} Grey: levels that need no memory or no network.{elsewhere} {data.counts(mine)}. "
        f"{data.matching(problem)}",
        panels,
    )
