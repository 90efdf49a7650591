"""Which figures a report has."""

from __future__ import annotations

import re
from collections.abc import Iterator

import altair as alt
import numpy as np
import pandas as pd

from rnnbench.report.figures import (
    Artist,
    Figure,
    outcomes,
    positive_scale,
    skill_scale,
    value_scale,
)
from rnnbench.report.material import Material, Problem, seeds_text

_READING = (
    "Line: IQM over seeds; band: its 95% bootstrap interval; small marks: single seeds; "
    "×: diverged (at the lower edge where it has no score)."
)
_PHASES = {"initial": "at initialisation", "final": "after training"}
_MARKS = 480
"""Values a panel may hold, so that a page stays small."""


def overview(material: Material) -> Figure | None:
    """Skill against lag, a panel for each task and filler."""
    artist = Artist(material.series)
    shown = outcomes(material.runs)
    scale = skill_scale([*shown["skill"].dropna(), *material.summary["skill_low"].dropna()])
    panels = [
        artist.against_lag(
            title, table.assign(low=table["skill_low"], high=table["skill_high"]), runs, "skill", "skill", scale,
            pd.concat(
                table[["lag"]].drop_duplicates().assign(level=level, value=value)
                for level, value in (("chance or naive", 0.0), ("perfect", 1.0))
            ),
        )
        for title, table, runs in _panels(material)
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
    )


def survival(material: Material) -> Figure | None:
    """Gradient survival after training against lag, a panel for each task and filler."""
    artist = Artist(material.series)
    shown = outcomes(material.runs)
    low, high = positive_scale(shown["survival"].dropna())
    scale = alt.Scale(type="log", domain=[low, high], nice=False, clamp=True)
    panels = [
        artist.against_lag(
            title, _lifted(table, "survival", low), _lifted(runs.assign(status="finished"), "survival", low),
            "survival", "survival", scale,
        )
        for title, table, runs in _panels(material)
        if runs["survival"].notna().any()
    ]  # fmt: skip
    if not panels:
        return None
    return Figure(
        "survival",
        "Gradient survival against lag, after training",
        "Survival: mean gradient norm over the evidence steps divided by the norm at the readout. Line: median over "
        f"seeds; small marks: single seeds. {_floor_note()} {material.counts(material.summary)}.",
        panels,
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
            f"{filler} filler",
            table.assign(low=table["score_low"], high=table["score_high"]),
            runs[runs["filler"] == filler],
            "score",
            score_title(problem),
            scale,
            levels[levels["filler"] == filler],
            published,
        )
        for filler, table in mine.groupby("filler", sort=False)
        if (runs["filler"] == filler).any()
    ]
    elsewhere = "" if published.empty else " ✱: published figures, measured under other settings (see Levels to beat)."
    return Figure(
        f"score-{slug(problem.label)}",
        f"{problem.label}: {score_title(problem)} against lag",
        f"{_READING} Grey: levels that need no memory or no network.{elsewhere} {material.counts(mine)}. "
        f"{material.matching(problem)}",
        panels,
    )


def gradients(material: Material, problem: Problem) -> list[Figure]:
    """Gradient norm against distance before and after training, a figure for each filler."""
    mine = material.profiles[(material.profiles["problem"] == problem.label) & material.profiles["phase"].isin(_PHASES)]
    return [
        _gradient_figure(material, problem, str(filler), rows) for filler, rows in mine.groupby("filler", sort=False)
    ]


def curves(material: Material, problem: Problem) -> list[Figure]:
    """Validation score against training step, a figure for each filler, a panel for each lag."""
    metric = f"validation/{problem.score_name}"
    history = material.history
    mine = history[(history["problem"] == problem.label) & (history["metric"] == metric)].dropna(subset=["value"])
    if mine.empty:
        return []
    levels = material.levels[material.levels["problem"] == problem.label]
    scale = value_scale([*mine["value"], *levels["value"]], accuracy=problem.score_name == "accuracy")
    artist = Artist(material.series)
    figures = []
    for filler, rows in mine.groupby("filler", sort=False):
        panels = [
            artist.curves(
                f"lag {lag}", thinned(part, "step", part["signature"].nunique()), score_title(problem), scale,
                float(mine["step"].max() or 1),
                levels[(levels["filler"] == filler) & (levels["lag"] == lag)],
            )
            for lag, part in rows.groupby("lag")
        ]  # fmt: skip
        title = f"{problem.label}, {filler} filler: learning curves"
        caption = f"Validation {score_title(problem)} of every run that reported one; the mark is its last evaluation."
        figures.append(Figure(f"curves-{slug(problem.label)}-{slug(str(filler))}", title, caption, panels, columns=3))
    return figures


def score_title(problem: Problem) -> str:
    """The name of a score for axes and headings."""
    return {"mse": "mean squared error"}.get(problem.score_name, problem.score_name)


def slug(text: str) -> str:
    """A file name's worth of a label."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")


def thinned(rows: pd.DataFrame, column: str, lines: int) -> pd.DataFrame:
    """Evenly spread values of `column`, both ends kept: at most 60, fewer where a panel holds many lines."""
    values = np.unique(rows[column])
    most = min(len(values), int(np.clip(_MARKS // max(lines, 1), 12, 60)))
    return rows[rows[column].isin(values[np.linspace(0, len(values) - 1, most).round().astype(int)])]


def _panels(material: Material) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """(title, rows of the summary, runs) for each problem and filler of which a run ended."""
    ended = outcomes(material.runs)
    for (problem, filler), table in material.summary.groupby(["problem", "filler"], sort=False):
        runs = ended[(ended["problem"] == problem) & (ended["filler"] == filler)]
        if len(runs):
            yield f"{problem}, {filler} filler", table, runs


def _gradient_figure(material: Material, problem: Problem, filler: str, rows: pd.DataFrame) -> Figure:
    lags = sorted(rows["lag"].unique())
    chosen = sorted({lags[0], lags[(len(lags) - 1) // 2], lags[-1]})
    rows = rows[rows["lag"].isin(chosen)]
    order = {series.label: position for position, series in enumerate(material.series)}
    over_seeds = rows.groupby(["lag", "phase", "series", "state", "distance"], sort=False)
    median = over_seeds[["median", "low", "high"]].median().reset_index()
    artist = Artist(material.series)
    panels = []
    for lag in chosen:
        both = median[median["lag"] == lag]
        low, high = positive_scale([*both["low"], *both["high"]])
        for phase, when in _PHASES.items():
            part = _thin(both[both["phase"] == phase])
            if part.empty:
                continue
            distances = np.unique(part["distance"])
            stride = max(1, len(distances) // 6)
            rank = np.searchsorted(distances, part["distance"]) + part["series"].map(order) * max(1, stride // 3)
            part = part.assign(mark=rank % stride == 0, **part[["median", "low", "high"]].clip(lower=low))
            panels.append(artist.gradients(f"lag {lag}, {when}", part, (low, high), int(distances[-1]), int(lag)))
    states = (
        " Solid line, filled marks: state h; dashed line, hollow marks: LSTM's cell state c."
        if (rows["state"] == "c").any()
        else ""
    )
    seeds = rows.groupby(["lag", "phase", "series"])["seed"].nunique()
    return Figure(
        f"gradients-{slug(problem.label)}-{slug(filler)}",
        f"{problem.label}, {filler} filler: gradient norm against distance from the readout",
        "Norm of the total derivative of each example's readout loss by the state. Line: median over examples; "
        f"band: their 10 to 90%; both the median over {seeds_text(int(seeds.min()), int(seeds.max()))}.{states} "
        "Dotted rule: to its right stands the evidence. The two panels of a lag share "
        f"their scale. {_floor_note()}",
        panels,
    )


def _thin(rows: pd.DataFrame) -> pd.DataFrame:
    return thinned(rows, "distance", len(rows[["series", "state"]].drop_duplicates()))


def _lifted(table: pd.DataFrame, column: str, low: float) -> pd.DataFrame:
    # A norm that underflowed to 0 has no logarithm: it is drawn at the lower edge.
    return table.assign(**{column: table[column].astype(float).clip(lower=low)})


def _floor_note() -> str:
    return "What lies 16 decades below the largest value, 0 included, is drawn at the lower edge."
