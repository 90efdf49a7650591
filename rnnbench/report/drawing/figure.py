"""A figure: small panels that are drawn once, shown in the page and written as one SVG or PNG."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import Any

import altair as alt
import pandas as pd

from rnnbench.report.drawing.style import PAPER, vega_config

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
Panel = dict[str, Any]
"""One small chart as Vega-Lite, with a `title` and, as its `description`, the chart in words.

It has no width: its figure or the page sets that.
"""


@dataclass(frozen=True)
class Figure:
    """A figure of one or more panels."""

    name: str
    """Of its files and of its place in the page; letters, digits, `-` and `_`."""
    title: str
    caption: str
    panels: list[Panel] = field(repr=False)
    columns: int = 2
    numbers: pd.DataFrame | None = field(default=None, repr=False)
    """What is drawn and not in `results.csv`: written as a CSV file beside the SVG."""

    @property
    def alternative(self) -> str:
        """The figure in words, for readers who cannot see it."""
        panels = [f"{panel.get('title', '')}: {panel.get('description', '')}" for panel in self.panels]
        return " ".join([self.title if self.title.endswith("?") else f"{self.title}.", *panels])

    def svg(self) -> str:
        """The whole figure with its legend, on white."""
        import vl_convert

        drawn = _renumbered(vl_convert.vegalite_to_svg(self._whole(), vl_version=VEGA_LITE))
        words = f"<title>{escape(self.title)}</title><desc>{escape(self.alternative)}</desc>"
        return re.sub(r"^<svg[^>]*>", lambda opening: opening[0] + words, drawn, count=1)

    def png(self, scale: float = 2) -> bytes:
        """The same as a bitmap; `scale`: its pixels for each pixel of the figure."""
        import vl_convert

        return vl_convert.vegalite_to_png(self._whole(), vl_version=VEGA_LITE, scale=scale)

    def page_specs(self) -> list[Panel]:
        """The panels for a page: they fill their container and show the series in the parameter `shown`."""
        fill = {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
        return [_hiding(panel) | fill for panel in self.panels]

    def _repr_svg_(self) -> str:
        # How a notebook shows it.
        return self.svg()

    def _whole(self) -> dict[str, Any]:
        return {
            "title": {"text": self.title, "fontSize": 15, "offset": 14},
            "concat": [panel | {"width": 300} for panel in self.panels],
            "columns": self.columns,
            "spacing": 24,
            "config": vega_config(PAPER) | {"padding": 12},
        }


def _renumbered(svg: str) -> str:
    # Vega numbers its clips through the whole process; a file must not depend on what was drawn before it.
    found = dict.fromkeys(re.findall(r"\bid=\"(clip\d+)\"", svg))
    names = {name: f"clip-{place}" for place, name in enumerate(found)}
    return re.sub(r"\bclip\d+\b", lambda match: names.get(match[0], match[0]), svg)


def _hiding(spec: dict[str, Any]) -> dict[str, Any]:
    spec = dict(spec)
    if "layer" in spec:
        spec["layer"] = [_hiding(layer) for layer in spec["layer"]]
    if "encoding" in spec:
        # The page has one legend for all figures.
        spec["encoding"] = {
            channel: {**what, "legend": None} if "legend" in what else what
            for channel, what in spec["encoding"].items()
        }
    if "series" in spec.get("data", {}).get("format", {}).get("parse", {}):
        rule = {"filter": "indexof(shown, datum.series) >= 0"}
        spec["transform"] = [rule, *spec.get("transform", [])]
    return spec
