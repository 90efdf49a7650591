"""What is drawn beside the measured points: chance and naive levels, and published scores."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.scales import apart

ASTERISK = "M-1,0L1,0M-.5,-.87L.5,.87M-.5,.87L.5,-.87"
MUTED = "#7d7d7d"


def level_lines(
    levels: pd.DataFrame | None, x: alt.X | None, y_scale: alt.Scale, lags: list[int], *, named_right: bool = False
) -> list[alt.Chart]:
    """A dashed grey line with its name for each level; `levels`: `level, lag, value`.

    Without `x`, or with a single lag, each row is one horizontal line. The names stand at the left end, or at the
    right one where something else is named there.
    """
    if levels is None or levels.empty:
        return []
    y = alt.Y("value:Q", scale=y_scale)
    drawn = alt.Chart(inline_data(levels, ["level", "lag", "value"]))
    if x is None or len(lags) < 2:
        lines = drawn.mark_rule(stroke=MUTED, strokeDash=[3, 3]).encode(
            y=y, tooltip=[alt.Tooltip("level:N"), alt.Tooltip("value:Q", format=".4~g")]
        )
    else:
        lines = drawn.mark_line(stroke=MUTED, strokeDash=[3, 3], strokeWidth=1.2, clip=True).encode(
            x=x, y=y, detail=alt.Detail("level:N")
        )
    first = levels.sort_values("lag").groupby("level", sort=False).first().reset_index()
    names = zip(first.to_dict("records"), apart(first["value"], y_scale), strict=True)
    return [lines, *(_level_name(level, dy, y, right=named_right) for level, dy in names)]


def published_marks(published: pd.DataFrame, x: alt.X, y_scale: alt.Scale, last: int) -> list[alt.Chart]:
    """An asterisk with its name for each published score; `published`: `label, lag, value`."""
    y = alt.Y("value:Q", scale=y_scale)
    tip = [alt.Tooltip("label:N", title="published"), alt.Tooltip("lag:Q"), alt.Tooltip("value:Q", format=".4~g")]
    marks = alt.Chart(inline_data(published, ["label", "lag", "value"])).mark_point(
        shape=ASTERISK, size=60, stroke=MUTED, strokeWidth=1.4, opacity=1
    )
    layers = [marks.encode(x=x, y=y, tooltip=tip)]
    for lag, group in published.groupby("lag"):
        for row, dy in zip(group.to_dict("records"), apart(group["value"], y_scale), strict=True):
            text = alt.Chart(inline_data(pd.DataFrame([row]), ["label", "lag", "value"]))
            # At the last lag to the left, because the panel ends there.
            mark = (
                text.mark_text(align="right", baseline="middle", dx=-8, dy=dy + 2)
                if lag == last and last
                else text.mark_text(align="left", baseline="middle", dx=8, dy=dy + 2)
            )
            layers.append(mark.encode(x=x, y=y, text=alt.Text("label:N")))
    return layers


def _level_name(level: dict[Any, Any], dy: float, y: alt.Y, *, right: bool) -> alt.Chart:
    text = alt.Chart(inline_data(pd.DataFrame([level]), ["level", "value"]))
    if right:
        named = text.mark_text(align="right", baseline="bottom", dx=-2, dy=dy)
        return named.encode(x=alt.value("width"), y=y, text=alt.Text("level:N"))
    return text.mark_text(align="left", baseline="bottom", dx=2, dy=dy).encode(
        x=alt.value(0), y=y, text=alt.Text("level:N")
    )
