"""How things look: one colour, point shape and dash for each model in every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnnbench.report.formatting import isolated
from rnnbench.tracking.palette import colours

SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "triangle-right", "triangle-left"]
MANY_MODELS = 6
"""With more than these, tables and bands make room."""
DASHES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [1, 3], [12, 3]]


@dataclass(frozen=True)
class Series:
    """One curve of a figure: a model at one setting."""

    label: str
    model: str
    colour: str
    shape: str
    dash: list[int]


def series_label(model: str, setting: str) -> str:
    """`"lstm"`, or `"lstm (units=32)"` where the model has an axis of its own."""
    return isolated(f"{model} ({setting})" if setting else model)


def all_series(pairs: Sequence[tuple[str, str]]) -> list[Series]:
    """The look of each (model, setting) in order of appearance: colour by model, shape and dash by series.

    Where colours begin again, shapes and dashes have moved on, so that 49 series differ.
    """
    colour = colours(dict.fromkeys(model for model, _ in pairs))
    return [
        Series(
            label=series_label(model, setting),
            model=model,
            colour=colour[model],
            shape=SHAPES[(position + position // len(SHAPES)) % len(SHAPES)],
            dash=DASHES[(position + 2 * (position // len(DASHES))) % len(DASHES)],
        )
        for position, (model, setting) in enumerate(dict.fromkeys(pairs))
    ]


PAPER = {
    "ink": "#1b1f24",
    "muted": "#59636e",
    "line": "#d5dae0",
    "band": "#8C8C8C",
    "font": "Helvetica, Arial, sans-serif",
}
"""Fixed colours for the SVG files, which have a white background of their own."""
PAGE = {"ink": "var(--ink)", "muted": "var(--muted)", "line": "var(--line)", "band": "var(--muted)", "font": "inherit"}
"""The page's own colours, so that figures follow its light, dark and printed look without being drawn again."""


def vega_config(theme: dict[str, str]) -> dict[str, Any]:
    """Vega-Lite configuration for one of the two themes."""
    axis = {
        "labelColor": theme["muted"], "titleColor": theme["ink"], "gridColor": theme["line"],
        "domainColor": theme["line"], "tickColor": theme["line"], "titleFontWeight": "normal", "labelFontSize": 11,
        "titleFontSize": 11.5, "titlePadding": 6, "gridOpacity": 0.8,
    }  # fmt: skip
    return {
        # The words for a figure are those of `Figure.alternative`.
        "aria": False,
        "font": theme["font"],
        "background": "white" if theme is PAPER else "transparent",
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False},
        "axisY": {"minExtent": 34, "domain": False, "ticks": False},
        "title": {"color": theme["ink"], "fontSize": 12.5, "anchor": "start", "fontWeight": 600, "offset": 8,
                  "subtitleColor": theme["muted"]},
        "legend": {"labelColor": theme["ink"], "titleColor": theme["ink"], "labelFontSize": 12, "symbolSize": 70},
        "text": {"fill": theme["muted"], "fontSize": 10.5},
    }  # fmt: skip
