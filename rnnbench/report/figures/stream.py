"""What a network reads, drawn to scale: the lead, the evidence, the filler of the lag, the readout."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from rnnbench.errors import UserError
from rnnbench.registry import tasks as registered
from rnnbench.report.data import Described, Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import LAG, panel
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import sentences
from rnnbench.tasks.base import Task
from rnnbench.tasks.protocol import longest_lead
from rnnbench.text.wording import count_of

_COLOURS = {"lead": "#dfe3e8", "evidence": "#0072B2", "filler": "#aab2bb", "readout": "#D55E00"}
_ROW_HEIGHT = 30
_AXES = ("training_lags", "filler", "lead")
"""What does not change the parts, however many values of it there are."""


@register_figure("stream")
class Stream(TaskFigure):
    """The parts of a sequence at each lag of a task. Not of tasks whose settings cannot be read without their data."""

    part, order = "Task", 10

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        lags = sorted({int(lag) for lag in rows_of(data.runs, problem)["lag"]})
        tasks = [_task(problem.task, data.tasks, lag) for lag in lags]
        parts = pd.DataFrame(
            [row for lag, task in zip(lags, tasks, strict=True) if task is not None for row in _parts(lag, task)]
        )
        if parts.empty:
            return None
        drawn = [task for task in tasks if task is not None]
        names = [name for name in _COLOURS if name in set(parts["part"])]
        return Figure(
            self.file_name(problem),
            f"{problem.label}: what a network reads, to scale",
            sentences(
                _caption(drawn[-1]),
                "Before it, in light grey, a lead of filler of any length up to the one drawn."
                if "lead" in names
                else "",
            ),
            [_panel(parts, names, problem.distance)],
            columns=1,
        )


def _task(label: str, tasks: Described, lag: int) -> Task | None:
    """The task of a label at one lag; None where its settings are not enough to make it here."""
    described = tasks.get(label)
    if not described:
        return None
    settings = {
        name: value
        for name, value in described.items()
        if name not in ("task", "lag", "grids") and (name not in _AXES or isinstance(value, str))
    }
    try:
        return registered[str(described.get("task", label))](lag=lag, **settings)
    except (UserError, ValueError, TypeError, OSError):
        return None


def _parts(lag: int, task: Task) -> list[dict[str, Any]]:
    """The parts of a sequence that have steps, the evidence from 0 on."""
    evidence, filler, readout = task.layout
    lead = longest_lead(task.lag) if task.lead == "random" else 0
    ends = (-lead, 0, evidence, evidence + filler, evidence + filler + readout)
    return [
        {"lag": lag, "part": name, "first": first, "end": end, "steps": end - first}
        for name, first, end in zip(_COLOURS, ends, ends[1:], strict=False)
        if end > first
    ]


def _caption(task: Task) -> str:
    evidence, _, readout = task.layout
    return (
        f"Blue: the evidence, {count_of(evidence, 'step')}. Grey: filler, as many steps as the lag. Orange: the "
        f"readout, {count_of(readout, 'step')}, where the answer is asked."
    )


def _panel(parts: pd.DataFrame, names: list[str], distance: str) -> Panel:
    rows = parts["lag"].nunique()
    ends = [int(parts["first"].min()), int(parts["end"].max())]
    x = alt.X("first:Q", title="step", scale=alt.Scale(domain=ends, nice=False), axis=alt.Axis(tickCount=8, grid=False))
    y = alt.Y("lag:O", title=distance, axis=alt.Axis(ticks=False, domain=False))
    colours = alt.Scale(domain=names, range=[_COLOURS[name] for name in names])
    bars = alt.Chart(inline_data(parts, [*parts.columns])).mark_bar(height=14, strokeWidth=1).encode(
        x=x, x2=alt.X2("end:Q"), y=y,
        color=alt.Color("part:N", scale=colours, legend=None),
        stroke=alt.Stroke("part:N", scale=colours, legend=None),  # so that one step of many is seen
        tooltip=[LAG, alt.Tooltip("part:N"), alt.Tooltip("steps:Q")],
    )  # fmt: skip
    told = [
        f"{distance} {lag}: " + ", ".join(f"{row['part']} {row['steps']}" for row in block.to_dict("records"))
        for lag, block in parts.groupby("lag", sort=True)
    ]
    return panel([bars], "", f"Steps. {'; '.join(told)}.", height=_ROW_HEIGHT * rows)
