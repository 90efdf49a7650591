"""What the panels of all figures have in common: the look of each series, a panel against the lag, a panel in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from rnnbench.report.drawing.figure import Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.neutral import neutral
from rnnbench.report.drawing.reference_marks import level_lines, published_marks
from rnnbench.report.drawing.scales import HEIGHT, lag_axis, value_axis
from rnnbench.report.drawing.style import MANY_MODELS, Series
from rnnbench.report.formatting import number

CROSS = "M-1,-1L1,1M-1,1L1,-1"
_DODGE, _DODGE_IN_ALL = 0.014, 0.06
"""How far apart series stand at the same lag, and how far all together at most, as shares of the axis."""
MODEL, LAG, SEED = alt.Tooltip("series:N", title="model"), alt.Tooltip("lag:Q"), alt.Tooltip("seed:Q")


class PanelBuilder:
    """Draws panels for a fixed set of series, so that a model looks the same in all of them.

    `colour`, `shape` and `dash` encode the column `series`; `band_opacity` is a factor for the opacity of bands.
    """

    def __init__(self, series: list[Series]) -> None:
        self._labels = labels = [s.label for s in series]
        # Many bands, one above the other, would hide the lines.
        self.band_opacity = 1.0 if len(labels) <= MANY_MODELS else 3 / len(labels)
        legend = alt.Legend(
            title=None, orient="bottom", columns=5, symbolStrokeWidth=1.5, symbolOpacity=1, labelLimit=220
        )
        self.colour = alt.Color(
            "series:N", scale=alt.Scale(domain=labels, range=[s.colour for s in series]), legend=legend
        )
        self.shape = alt.Shape(
            "series:N", scale=alt.Scale(domain=labels, range=[s.shape for s in series]), legend=legend
        )
        # In a legend dashes would make the shapes hard to see.
        self.dash = alt.StrokeDash(
            "series:N", scale=alt.Scale(domain=labels, range=[s.dash for s in series]), legend=None
        )

    def against_lag(
        self,
        title: str,
        series: pd.DataFrame,
        runs: pd.DataFrame,
        y: str,
        y_title: str,
        y_scale: alt.Scale,
        levels: pd.DataFrame | None = None,
        published: pd.DataFrame | None = None,
        frozen: pd.DataFrame | None = None,
        distance: str = "lag",
    ) -> Panel:
        """A line and a band for each series, a point for each run, a cross for each diverged one, and levels.

        `series`: `series, lag, <y>` and, for a band, `low, high`; where its `n_clock` is above 0 the word clock stands
        beside the point. `runs`: `series, lag, seed, run, status, <y>`. `levels`: `level, lag, value`. `published`:
        `label, lag, value`. `frozen`: `series, lag, value`. `distance`: what the lag is called. At the same lag the
        series stand a little apart, so that none hides another where both are at chance, or perfect.
        """
        published = pd.DataFrame(columns=["label", "lag", "value"]) if published is None else published
        lags = sorted({int(lag) for lag in [*series["lag"], *runs["lag"], *published["lag"]]})
        series, runs = self._apart(series, lags), self._apart(runs, lags)
        x = lag_axis(lags, "at", distance)
        y_axis = alt.Y(f"{y}:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale))
        drawn = inline_data(series.dropna(subset=[y]), ["series", "lag", "at", y, "low", "high", "n"])
        seeds = inline_data(runs.dropna(subset=[y]), ["series", "lag", "at", "seed", y, "status", "run"])
        layers = self._band(series, x, y, alt.Y("low:Q", title=y_title, scale=y_scale))
        taken = len(published) > 0 and lags[-1] > lags[0] == int(published["lag"].min())
        layers += level_lines(levels, lag_axis(lags, distance=distance), y_scale, lags, named_right=taken)
        value = alt.Tooltip(f"{y}:Q", title=y_title, format=".4~g")
        ends = [alt.Tooltip(f"{end}:Q", format=".4~g") for end in ("low", "high")] if "low" in series else []
        layers += [
            alt.Chart(drawn).mark_line(strokeWidth=2, clip=True).encode(
                x=x, y=y_axis, color=self.colour, strokeDash=self.dash
            ),
            alt.Chart(seeds).mark_point(size=22, strokeWidth=1, opacity=0.55, cursor="pointer").encode(
                x=x, y=y_axis, color=self.colour, shape=self.shape,
                tooltip=[MODEL, LAG, SEED, value, alt.Tooltip("status:N")],
            ),
            alt.Chart(drawn).mark_point(size=46, filled=True, opacity=1).encode(
                x=x, y=y_axis, color=self.colour, shape=self.shape,
                tooltip=[MODEL, LAG, value, *ends, alt.Tooltip("n:Q", title="runs")],
            ),
        ]  # fmt: skip
        layers += self._clocks(series, x, y, y_scale)
        layers += self._diverged(runs[runs["status"] == "diverged"], x, y, y_scale)
        if frozen is not None and len(frozen):
            layers += self._frozen(self._apart(frozen, lags), x, y_scale)
        if len(published):
            layers += published_marks(published, lag_axis(lags, distance=distance), y_scale, last=lags[-1])
        return panel(layers, title, in_words(series.dropna(subset=[y]), y, distance, y_title))

    def _apart(self, table: pd.DataFrame, lags: Sequence[int]) -> pd.DataFrame:
        """`table` with the column `at`: where its points stand on the lag axis."""
        place = table["series"].map({label: at for at, label in enumerate(self._labels)}).astype(float)
        shift = (place - (len(self._labels) - 1) / 2) * min(_DODGE, _DODGE_IN_ALL / len(self._labels))
        lag = table["lag"].astype(float)
        if len(lags) == 1:
            return table.assign(at=lag + 2 * shift)
        smallest = next(lag for lag in lags if lag > 0)
        length = np.log1p(lags[-1] / smallest) - np.log1p(lags[0] / smallest)
        return table.assign(at=smallest * np.expm1(np.log1p(lag / smallest) + shift * length))

    def _band(self, series: pd.DataFrame, x: alt.X, y: str, low: alt.Y) -> list[alt.Chart]:
        if "low" not in series or series["low"].isna().all():
            return []
        # Where all seeds agree there is no interval: the band closes on the line.
        closed = series.assign(low=series["low"].fillna(series[y]), high=series["high"].fillna(series[y]))
        band = alt.Chart(inline_data(closed.dropna(subset=["low", "high"]), ["series", "at", "low", "high"]))
        opacity = 0.14 * self.band_opacity
        return [band.mark_area(opacity=opacity, clip=True).encode(x=x, y=low, y2=alt.Y2("high:Q"), color=self.colour)]

    def _frozen(self, frozen: pd.DataFrame, x: alt.X, y_scale: alt.Scale) -> list[alt.Chart]:
        """The level of each network by itself: a thin dotted line in its colour, short strokes where it was taken."""
        drawn = alt.Chart(inline_data(frozen, ["series", "lag", "at", "value"]))
        y = alt.Y("value:Q", scale=y_scale)
        tip = [MODEL, LAG, alt.Tooltip("value:Q", title="frozen", format=".4~g")]
        return [
            drawn.mark_line(strokeWidth=1, opacity=0.7, clip=True, strokeDash=[1, 3]).encode(
                x=x, y=y, color=self.colour
            ),
            drawn.mark_tick(thickness=1.5, size=9, orient="horizontal", opacity=0.8).encode(
                x=x, y=y, color=self.colour, tooltip=tip
            ),
        ]

    def frozen_rules(self, frozen: pd.DataFrame, y_scale: alt.Scale) -> list[alt.Chart]:
        """The same across a panel of one lag; `frozen`: `series, value`."""
        if frozen.empty:
            return []
        drawn = alt.Chart(inline_data(frozen, ["series", "value"]))
        tip = [MODEL, alt.Tooltip("value:Q", title="frozen", format=".4~g")]
        rule = drawn.mark_rule(strokeWidth=1, opacity=0.7, strokeDash=[1, 3])
        return [rule.encode(y=alt.Y("value:Q", scale=y_scale), color=self.colour, tooltip=tip)]

    def _clocks(self, series: pd.DataFrame, x: alt.X, y: str, y_scale: alt.Scale) -> list[alt.Chart]:
        if "n_clock" not in series or not (series["n_clock"] > 0).any():
            return []
        timed = series[series["n_clock"] > 0].dropna(subset=[y])
        words = alt.Chart(inline_data(timed.assign(word="clock"), ["series", "at", y, "word"]))
        at = alt.Y(f"{y}:Q", scale=y_scale)
        return [
            words.mark_text(dy=12, fontStyle="italic").encode(x=x, y=at, text=alt.Text("word:N"), color=self.colour)
        ]

    def _diverged(self, diverged: pd.DataFrame, x: alt.X, y: str, y_scale: alt.Scale) -> list[alt.Chart]:
        layers = []
        for has_score, part in diverged.groupby(diverged[y].notna(), sort=True):
            at = alt.Y(f"{y}:Q", scale=y_scale) if has_score else alt.value(HEIGHT - 5)
            layers.append(
                alt.Chart(inline_data(part, ["series", "lag", "at", "seed", "status", y, "run"]))
                .mark_point(shape=CROSS, size=70, strokeWidth=2, opacity=1, cursor="pointer")
                .encode(x=x, y=at, color=self.colour, tooltip=[MODEL, LAG, SEED, alt.Tooltip("status:N")])
            )
        return layers


def panel(layers: list[Any], title: str, words: str, height: int = HEIGHT) -> Panel:
    """The layers as one chart with its own data, `height` pixels high; `words`: what it shows, for readers who cannot
    see it."""
    # Altair's own layering copies every layer three times; it and validation would take most of a report's time.
    with neutral():
        drawn = [layer.to_dict(validate=False) for layer in layers]
    return {
        "layer": [{key: value for key, value in layer.items() if key not in ("$schema", "config")} for layer in drawn],
        "description": words,
        "height": height,
        "title": title,
    }


def in_words(rows: pd.DataFrame, y: str, x: str, what: str) -> str:
    """The points of a panel in words, series by series."""
    column = x if x in rows else "lag"
    parts = [
        f"{series}: "
        + ", ".join(f"{number(row[y])} at {x if not at else ''} {int(row[column])}".replace("  ", " ")
                    for at, row in enumerate(points.to_dict("records")))
        for series, points in rows.groupby("series", sort=False)
    ]  # fmt: skip
    return f"{what}. {'; '.join(parts)}." if parts else "No values."
