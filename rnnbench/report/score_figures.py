"""Skill and score against the lag."""

from __future__ import annotations

import pandas as pd

from rnnbench.report.artist import Artist
from rnnbench.report.data import Material, Problem, outcomes
from rnnbench.report.figures import Figure
from rnnbench.report.scales import skill_scale, value_scale

_READING = (
    "Line: IQM over seeds; band: its 95% bootstrap interval; small marks: single seeds; "
    "×: diverged (at the lower edge where it has no score). Models stand a little apart at each lag."
)


def overview(material: Material) -> Figure | None:
    """Skill against lag, a panel for each task and filler."""
    artist = Artist(material.series)
    shown = outcomes(material.runs)
    scale = skill_scale([*shown["skill"].dropna(), *material.summary["skill_low"].dropna()])
    levels = pd.DataFrame({"level": ["chance or naive", "perfect"], "value": [0.0, 1.0]})
    panels = [
        artist.against_lag(
            f"{problem}, {filler} filler", table.assign(low=table["skill_low"], high=table["skill_high"]), runs,
            "skill", "skill", scale, levels.merge(table[["lag"]].drop_duplicates(), how="cross"),
        )
        for problem, filler, table, runs in material.blocks()
    ]  # fmt: skip
    if not panels:
        return None
    below = " Skill below −1 is drawn at −1." if (shown["skill"] < -1).any() else ""
    return Figure(
        "overview",
        "Skill against lag",
        f"Skill 0 is chance or the naive forecast, 1 is perfect. {_READING}{below} "
        f"{material.counts(material.summary)}.",
        panels,
        columns=2 if len(panels) in (1, 2, 4) else 3,
    )


def scores(material: Material, problem: Problem, published: pd.DataFrame) -> Figure | None:
    """Score against lag with every seed and `published` figures (`label, lag, value`), a panel for each filler."""
    artist = Artist(material.series)
    levels = material.levels[material.levels["problem"] == problem.label]
    mine = material.summary[material.summary["problem"] == problem.label]
    runs = outcomes(material.runs[material.runs["problem"] == problem.label])
    if runs.empty:
        return None
    values = [*runs["score"], *mine["score_high"], *levels["value"], *published["value"]]
    scale = value_scale(values, accuracy=problem.score_name == "accuracy")
    panels = [
        artist.against_lag(
            f"{filler} filler", table.assign(low=table["score_low"], high=table["score_high"]), block,
            "score", problem.score_title, scale, levels[levels["filler"] == filler], published,
        )
        for _, filler, table, block in material.blocks(problem)
    ]  # fmt: skip
    elsewhere = "" if published.empty else " ✱: published figures, measured under other settings (see Levels to beat)."
    return Figure(
        f"score-{problem.slug}",
        f"{problem.label}: {problem.score_title} against lag",
        f"{_READING} Grey: levels that need no memory or no network.{elsewhere} {material.counts(mine)}. "
        f"{material.matching(problem)}",
        panels,
    )
