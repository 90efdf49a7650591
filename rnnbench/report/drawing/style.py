"""How things look: one colour, point shape and dash for each model in every figure, and numbers for reading."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnnbench.tracking.palette import colours

SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "triangle-right", "triangle-left"]
_SLUG = 80
_TURNING = {"R", "AL", "RLE", "LRE", "RLO", "LRO", "RLI", "LRI", "FSI"}
DASHES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [1, 3], [12, 3]]


@dataclass(frozen=True)
class Series:
    """One line of a figure: a model at one setting."""

    label: str
    model: str
    colour: str
    shape: str
    dash: list[int]


def series_label(model: str, setting: str) -> str:
    """`"lstm"`, or `"lstm (units=32)"` where the model has an axis of its own."""
    return isolated(f"{model} ({setting})" if setting else model)


def isolated(text: str) -> str:
    """A name that runs from right to left, or says so, so that it turns nothing around it."""
    turning = any(unicodedata.bidirectional(sign) in _TURNING for sign in text)
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if turning else text


def all_series(pairs: Sequence[tuple[str, str]]) -> list[Series]:
    """The look of each (model, setting) in order of appearance: colour by model, shape and dash by line."""
    colour = colours(dict.fromkeys(model for model, _ in pairs))
    return [
        Series(
            label=series_label(model, setting),
            model=model,
            colour=colour[model],
            shape=SHAPES[position % len(SHAPES)],
            dash=DASHES[position % len(DASHES)],
        )
        for position, (model, setting) in enumerate(dict.fromkeys(pairs))
    ]


def number(value: Any, digits: int = 3) -> str:
    """A measured value for reading: three significant digits, a dash where there is none."""
    if value is None or pd.isna(value) or not math.isfinite(value):
        return "–"
    value = float(value)
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        text = f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    elif abs(value) >= 10**digits:
        text = f"{value:,.0f}"
    else:
        text = f"{value:#.{digits}g}".rstrip(".") if value else "0"
    return text.replace("-", "−")


def count(value: Any) -> str:
    """A whole number for reading, a dash where there is none."""
    return "–" if value is None or pd.isna(value) else f"{int(value):,}"


def plain(value: Any) -> str:
    """A setting for reading, as a person would type it."""
    return f"{float(value):g}"


def span(low: float, high: float, digits: int = 3) -> str:
    """An interval for reading."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def slug(text: str) -> str:
    """A file name's or an anchor's worth of a label: short, and different for labels that differ in any way."""
    plain = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
    # What is usual in our labels is dropped without a trace: "sentiment (imdb_reviews)", "mnist, permuted=True".
    if plain and len(plain) <= _SLUG and re.fullmatch(r"[\w (),=.-]+", text, re.ASCII):
        return plain
    return f"{plain[:_SLUG]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".strip("-")


PAPER = {
    "ink": "#1b1f24",
    "muted": "#59636e",
    "line": "#d5dae0",
    "band": "#8C8C8C",
    "font": "Helvetica, Arial, sans-serif",
}
"""Fixed colours for the SVG files, which carry a white page with them."""
PAGE = {"ink": "var(--ink)", "muted": "var(--muted)", "line": "var(--line)", "band": "var(--muted)", "font": "inherit"}
"""The page's own colours, so that figures follow light, dark and print without being drawn again."""


def vega_config(theme: dict[str, str]) -> dict[str, Any]:
    """Vega-Lite configuration for one of the two themes."""
    axis = {
        "labelColor": theme["muted"], "titleColor": theme["ink"], "gridColor": theme["line"],
        "domainColor": theme["line"], "tickColor": theme["line"], "titleFontWeight": "normal", "labelFontSize": 11,
        "titleFontSize": 11.5, "titlePadding": 6, "gridOpacity": 0.8,
    }  # fmt: skip
    return {
        # A figure is told as a whole: see `Figure.alternative`.
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
