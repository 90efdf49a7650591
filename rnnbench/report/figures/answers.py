"""What networks answer: forecasts beside the truth, and images with what they are taken for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from rnnbench.report.answers import Answered, answered
from rnnbench.report.data import Problem, ReportData
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import panel
from rnnbench.report.drawing.reference_marks import MUTED
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import number, sentences
from rnnbench.showing.drawing import said
from rnnbench.showing.picture import data_uri, unpacked

_MOST_PANELS = 2
"""Of each run."""
_MOST_STRIPS = 4
_LONG = 14
"""Letters of a caption that fit below a small picture."""
_WIDTH = 270
"""Of a strip of pictures (pixels): what a narrow window has room for."""
_LINES = {"seen": MUTED, "truth": "#009E73", "forecast": "#0072B2", "persistence": MUTED}
_RIGHT, _WRONG = "#009E73", "#D55E00"
_FILMS, _CLASSES = "films and how they are continued", "what some test examples are taken for"
_OF_CLASSES = "Below each example its right answer, and what the network answers: green where that is right."
_OF_NUMBERS = "From the top: what was seen, what followed, and what the network answers."


@register_figure("forecasts")
class Forecasts(TaskFigure):
    """Some forecasts of the test split, at the longest solved and at the shortest failed lag."""

    part, order = "Answers", 10

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        found = answered(data, problem)
        panels = [
            _forecast(shown, one)
            for shown in found
            for one in [one for one in shown.answers["examples"] if one.get("curves")][:_MOST_PANELS]
        ]
        if not panels:
            return None
        return Figure(
            self.file_name(problem),
            f"{problem.label}: forecasts beside the truth",
            sentences(
                "Grey: the end of what the network reads; after it, from the rule on, the truth in green, the forecast "
                "in blue, and persistence, the last value seen, in dashes.",
                *(f"{shown.named}." for shown in found),
            ),
            panels,
        )


@register_figure("pictures")
class Pictures(TaskFigure):
    """Some test examples that are pictures, each with its right class and what it is taken for."""

    part, order = "Answers", 20

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        found = [shown for shown in answered(data, problem) if any("picture" in one for one in _examples(shown))]
        if not found:
            return None
        films = all("error" in one for shown in found for one in _examples(shown))
        return Figure(
            self.file_name(problem),
            f"{problem.label}: {_FILMS if films else _CLASSES}",
            sentences(
                _OF_NUMBERS if films else _OF_CLASSES,
                *(f"{shown.named}." for shown in found),
            ),
            [_pictures(shown) for shown in found],
        )


def _examples(shown: Answered) -> list[dict[str, Any]]:
    examples: list[dict[str, Any]] = shown.answers["examples"]
    return examples


def _right(one: Mapping[str, Any]) -> str:
    """Numbers are neither right nor wrong."""
    return "neither" if "right" not in one else "yes" if one["right"] == 1 else "no"


def _forecast(shown: Answered, one: Mapping[str, Any]) -> Panel:
    curve = one["curves"][0]
    seen = len(curve["seen"])
    rows = [("seen", at - seen + 1, value) for at, value in enumerate(curve["seen"])]
    for name, key in (("truth", "truth"), ("forecast", "answer"), ("persistence", "persistence")):
        rows += [(name, at + 1, value) for at, value in enumerate(curve[key])]
    table = pd.DataFrame(rows, columns=["line", "step", "value"]).astype({"value": float}).dropna(subset=["value"])
    scale = alt.Scale(domain=list(_LINES), range=list(_LINES.values()))
    dash = alt.Scale(domain=list(_LINES), range=[[1, 0], [1, 0], [1, 0], [3, 3]])
    lines = alt.Chart(inline_data(table, ["line", "step", "value"])).mark_line(strokeWidth=1.8)
    rule = alt.Chart(alt.InlineData(values=[{"step": 0.5}])).mark_rule(stroke=MUTED, strokeDash=[2, 3])
    x = alt.X("step:Q", title="steps ahead of the last one seen", axis=alt.Axis(tickCount=6))
    tip = [alt.Tooltip("line:N"), alt.Tooltip("step:Q"), alt.Tooltip("value:Q", format=".4~g")]
    title = f"{shown.title}, example {one['example']}"
    y = alt.Y("value:Q", title=curve["name"], scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    colour = alt.Color("line:N", scale=scale, legend=None)
    dashes = alt.StrokeDash("line:N", scale=dash, legend=None)
    error = "" if one.get("error") is None else f", squared error {number(one['error'])}"
    words = f"{curve['name']}: {len(curve['truth'])} steps ahead after {seen} steps{error}."
    return panel([rule.encode(x=x), lines.encode(x=x, y=y, color=colour, strokeDash=dashes, tooltip=tip)], title, words)


def _pictures(shown: Answered) -> Panel:
    pictured = [one for one in _examples(shown) if "picture" in one]
    if _is_strip(unpacked(pictured[0]["picture"]).shape):
        pictured = pictured[:_MOST_STRIPS]
    levels = [unpacked(one["picture"]) for one in pictured]
    captions = [_caption(one) for one in pictured]
    columns, width, height = _sizes(levels[0].shape, captions)
    words_height = 18 * max(caption.count("\n") + 1 for caption in captions) + 10
    cell, lines = height + words_height, -(-len(pictured) // columns)
    table = pd.DataFrame(
        {
            "column": [at % columns for at in range(len(pictured))],
            "row": [-(at // columns) + words_height / 2 / cell for at in range(len(pictured))],
            "url": [data_uri(one) for one in levels],
            "caption": captions,
            "said": [said(one) for one in pictured],
            "right": [_right(one) for one in pictured],
        }
    )
    drawn = alt.Chart(inline_data(table, [*table.columns]))
    x = alt.X("column:Q", scale=alt.Scale(domain=[-0.5, columns - 0.5]), axis=None)
    y = alt.Y("row:Q", scale=alt.Scale(domain=[0.5 - lines, 0.5]), axis=None)
    colour = alt.Color(
        "right:N", scale=alt.Scale(domain=["yes", "no", "neither"], range=[_RIGHT, _WRONG, MUTED]), legend=None
    )
    images = drawn.mark_image(width=width, height=height, smooth=False, aspect=False).encode(
        x=x, y=y, url=alt.Url("url:N")
    )
    words_below = drawn.mark_text(dy=height / 2 + 6, baseline="top", fontSize=12, lineBreak="\n").encode(
        x=x,
        y=y,
        text=alt.Text("caption:N"),
        color=colour,
        tooltip=[alt.Tooltip("said:N", title="right answer → given")],
    )
    words = ", ".join(table["said"])
    return panel([images, words_below], shown.title, f"Right answer → given: {words}.", height=lines * cell)


def _is_strip(shape: tuple[int, ...]) -> bool:
    return shape[1] > 1.5 * shape[0]


def _caption(one: Mapping[str, Any]) -> str:
    """What is said below a picture; a long answer goes to a line of its own."""
    told = said(one)
    return told if len(told) <= _LONG else told.replace(" → ", "\n→ ")


def _sizes(shape: tuple[int, ...], captions: Sequence[str]) -> tuple[int, int, int]:
    """Columns of a panel, and the width and height of a picture in it (pixels)."""
    wide = shape[1] / shape[0]
    if _is_strip(shape):
        return 1, _WIDTH, round(_WIDTH / wide)
    columns = 2 if max(map(len, captions)) > _LONG else 4
    side = 66 if columns == 4 else 84
    return columns, round(side * min(1, wide)), round(side / max(1, wide))
