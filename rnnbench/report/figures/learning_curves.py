"""How the networks came to their scores, and at what price: learning curves, steps to solve, time of a step."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rnnbench.report.data import Problem, ReportData, outcomes
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.drawing.inline import thinned
from rnnbench.report.drawing.panels import PanelBuilder
from rnnbench.report.drawing.scales import log_scale, positive_scale, value_scale
from rnnbench.report.drawing.style import slug


def curves(data: ReportData, problem: Problem) -> list[Figure]:
    """Validation score against training step, a figure for each filler, a panel for each lag."""
    metric = f"validation/{problem.score_name}"
    history = data.history
    mine = history[(history["problem"] == problem.label) & (history["metric"] == metric)].dropna(subset=["value"])
    if mine.empty:
        return []
    levels = data.levels[data.levels["problem"] == problem.label]
    scale = value_scale([*mine["value"], *levels["value"]], accuracy=problem.score_name == "accuracy")
    builder = PanelBuilder(data.series)
    figures = []
    for filler, rows in mine.groupby("filler", sort=False):
        parts = {
            lag: thinned(part, "step", part["signature"].nunique())
            for lag in sorted(rows["lag"].unique())
            for part in [rows[rows["lag"] == lag]]
        }
        panels = [
            builder.curves(
                f"lag {lag}", part, problem.score_title, scale, float(mine["step"].max() or 1),
                levels[(levels["filler"] == filler) & (levels["lag"] == lag)],
            )
            for lag, part in parts.items()
        ]  # fmt: skip
        figures.append(
            Figure(
                f"curves-{problem.slug}-{slug(str(filler))}",
                f"{problem.label}, {filler} filler: learning curves",
                f"Validation {problem.score_title} of every run that reported one; the mark is its last evaluation.",
                panels,
                columns=3,
                numbers=pd.concat(parts.values())[["lag", "series", "seed", "step", "value"]],
            )
        )
    return figures


def solving(data: ReportData, problem: Problem) -> list[Figure]:
    """Share of runs that have solved their task by a step, a figure for each filler, a panel for each lag.

    None for a task without a threshold of its own, whose runs have no step at which they solve it.
    """
    rows = data.solving[data.solving["problem"] == problem.label]
    runs = outcomes(data.runs[data.runs["problem"] == problem.label])
    if problem.relative or runs["steps_to_solve"].isna().all():
        return []
    builder = PanelBuilder(data.series)
    longest = float(runs["steps"].max())
    return [
        Figure(
            f"solving-{problem.slug}-{slug(str(filler))}",
            f"{problem.label}, {filler} filler: how soon is it solved?",
            "Share of runs that have solved their task by a training step (Kaplan & Meier 1958; band: 95% interval of "
            "Greenwood, log-log). A run that did not solve it is censored at the end of its budget, a diverged one "
            f"never solves it. {data.counts(data.summary[data.summary['problem'] == problem.label])}.",
            [
                builder.solving(
                    f"lag {lag}",
                    pd.concat(_from_start_to_end(line, longest) for _, line in part.groupby("series", sort=False)),
                    longest,
                )
                for lag, part in block.groupby("lag")
            ],
            columns=3,
        )
        for filler, block in rows.groupby("filler", sort=False)
    ]


def cost(data: ReportData, problem: Problem) -> Figure | None:
    """Time of a training step against the lag."""
    runs = outcomes(data.runs[data.runs["problem"] == problem.label])
    runs = runs.assign(step_ms=step_milliseconds(runs)).dropna(subset=["step_ms"])
    if runs.empty:
        return None
    lines = runs.groupby(["series", "lag"], sort=False)["step_ms"].agg(["median", "size"]).reset_index()
    lines = lines.rename(columns={"median": "step_ms", "size": "n"}).sort_values("lag", kind="stable")
    low, high = positive_scale(runs["step_ms"])
    panel = PanelBuilder(data.series).against_lag(
        "", lines, runs.assign(status="finished"), "step_ms", "milliseconds a step", log_scale(low, high)
    )
    return Figure(
        f"cost-{problem.slug}",
        f"{problem.label}: time of a training step against lag",
        "Time in training divided by the steps done, compilation included where a worker met the network for the "
        "first time. Line: median over seeds and fillers; small marks: single runs. On the machine named below, which "
        "did other runs at the same time.",
        [panel],
    )


def step_milliseconds(runs: pd.DataFrame) -> pd.Series:
    """Time of a training step of each run; missing where it did none."""
    steps = runs["steps"].astype(float)
    return 1000 * runs["training_seconds"].astype(float) / steps.where(steps > 0)


def _from_start_to_end(line: pd.DataFrame, longest: float) -> pd.DataFrame:
    """A curve that begins at step 0 and goes on to the last one; `mark`: where something happened."""
    line = line[line["step"] <= longest]
    about: dict[str, Any] = {"series": line["series"].iloc[0], "n": line["n"].iloc[0]} if len(line) else {}
    if not about:
        return line.assign(mark=True)
    before, after = {**about, "step": 0.0, "share": 0.0}, line.iloc[-1].to_dict() | {"step": longest}
    whole = pd.concat([pd.DataFrame([before]), line, pd.DataFrame([after])], ignore_index=True)
    return whole.assign(mark=whole.index == len(whole) - 1 if line["share"].max() == 0 else whole["share"].diff() > 0)
