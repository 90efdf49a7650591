"""The figures: each a list of small panels, drawn once, shown in the page and written as one SVG."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import pandas as pd

from rnnbench.report.style import PAPER, Series, vega_config
from rnnbench.statistics import OUTCOMES

HEIGHT = 230
CROSS = "M-1,-1L1,1M-1,1L1,-1"
ASTERISK = "M-1,0L1,0M-.5,-.87L.5,.87M-.5,.87L.5,-.87"
MUTED = "#7d7d7d"
_DECADES = 16
_SKILL_FLOOR = -1.0


VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
Panel = dict[str, Any]
"""One small chart as Vega-Lite without a width: its figure or its page gives it one."""


@dataclass(frozen=True)
class Figure:
    """A figure of one or more panels."""

    name: str
    title: str
    caption: str
    panels: list[Panel] = field(repr=False)
    columns: int = 2

    def svg(self) -> str:
        """The whole figure with its legend, on white."""
        import vl_convert

        spec = {
            "title": {"text": self.title, "fontSize": 15, "offset": 14},
            "concat": [panel | {"width": 300} for panel in self.panels],
            "columns": self.columns,
            "spacing": 24,
            "config": vega_config(PAPER) | {"padding": 12},
        }
        return _renumbered(vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE))

    def page_specs(self) -> list[Panel]:
        """The panels for a page: they fill their container and hide the lines missing from the parameter `shown`."""
        fill = {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
        return [_hiding(panel) | fill for panel in self.panels]


class Artist:
    """Draws panels for a fixed set of lines, so that a model looks the same in all of them."""

    def __init__(self, series: list[Series]) -> None:
        labels = [s.label for s in series]
        self.labels = labels
        legend = alt.Legend(title=None, orient="bottom", columns=5, symbolStrokeWidth=1.5, symbolOpacity=1)
        self.colour = alt.Color(
            "series:N", scale=alt.Scale(domain=labels, range=[s.colour for s in series]), legend=legend
        )
        self.shape = alt.Shape(
            "series:N", scale=alt.Scale(domain=labels, range=[s.shape for s in series]), legend=legend
        )
        self.dash = alt.StrokeDash(
            "series:N", scale=alt.Scale(domain=labels, range=[s.dash for s in series]), legend=legend
        )

    def against_lag(
        self,
        title: str,
        lines: pd.DataFrame,
        runs: pd.DataFrame,
        y: str,
        y_title: str,
        y_scale: alt.Scale,
        levels: pd.DataFrame | None = None,
        published: pd.DataFrame | None = None,
    ) -> Panel:
        """Line and interval band of `lines`, a point for each of `runs`, a cross for each diverged one, and levels.

        `lines`: `series, lag, <y>` and, for a band, `low, high`. `runs`: `series, lag, seed, status, <y>`.
        `levels`: `level, lag, value`. `published`: `label, lag, value`.
        """
        published = pd.DataFrame(columns=["label", "lag", "value"]) if published is None else published
        lags = sorted({int(lag) for lag in [*lines["lag"], *runs["lag"], *published["lag"]]})
        x = lag_axis(lags)
        y_axis = alt.Y(f"{y}:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale))
        drawn = data(lines.dropna(subset=[y]), ["series", "lag", y, "low", "high", "n"])
        seeds = data(runs.dropna(subset=[y]), ["series", "lag", "seed", y, "status"])
        layers = []
        if "low" in lines and lines["low"].notna().any():
            # Where all seeds agree there is no interval: the band closes on the line.
            closed = lines.assign(low=lines["low"].fillna(lines[y]), high=lines["high"].fillna(lines[y]))
            band = alt.Chart(data(closed.dropna(subset=["low", "high"]), ["series", "lag", "low", "high"]))
            layers.append(
                band.mark_area(opacity=0.14, clip=True).encode(
                    x=x, y=alt.Y("low:Q", title=y_title, scale=y_scale), y2="high:Q", color=self.colour
                )
            )
        layers += self._levels(levels, x, y_scale, lags)
        tip = [alt.Tooltip("series:N", title="model"), alt.Tooltip("lag:Q")]
        value = alt.Tooltip(f"{y}:Q", title=y_title, format=".4~g")
        ends = [
            alt.Tooltip("low:Q", format=".4~g"),
            alt.Tooltip("high:Q", format=".4~g"),
            alt.Tooltip("n:Q", title="runs"),
        ]
        layers += [
            alt.Chart(drawn).mark_line(strokeWidth=2, clip=True).encode(
                x=x, y=y_axis, color=self.colour, strokeDash=self.dash
            ),
            alt.Chart(seeds).mark_point(size=22, strokeWidth=1, opacity=0.55).encode(
                x=x, y=y_axis, color=self.colour, shape=self.shape,
                tooltip=[*tip, alt.Tooltip("seed:Q"), value, alt.Tooltip("status:N")],
            ),
            alt.Chart(drawn).mark_point(size=46, filled=True, opacity=1).encode(
                x=x, y=y_axis, color=self.colour, shape=self.shape,
                tooltip=[*tip, value, *(ends if "low" in lines else [])],
            ),
        ]  # fmt: skip
        layers += self._diverged(runs[runs["status"] == "diverged"], x, y, y_scale)
        if len(published):
            layers += _published(published, x, y_scale, last=lags[-1])
        return _panel(layers, title)

    def gradients(self, title: str, rows: pd.DataFrame, domain: tuple[float, float], longest: int, lag: int) -> Panel:
        """Gradient norm against distance: median line and band.

        `rows`: `series, state, distance, median, low, high, mark` (whether a point stands there).
        """
        x = alt.X(
            "distance:Q",
            title="steps back from the readout",
            scale=alt.Scale(domain=[0, longest], nice=False),
            axis=alt.Axis(tickCount=6, tickMinStep=1),
        )
        scale = alt.Scale(type="log", domain=list(domain), nice=False, clamp=True)
        y = alt.Y("median:Q", title="‖∂loss/∂state‖", scale=scale, axis=value_axis(scale))
        layers: list[Any] = []
        evidence = alt.Chart(alt.InlineData(values=[{"distance": lag}]))
        layers.append(evidence.mark_rule(stroke=MUTED, strokeDash=[2, 3]).encode(x=x))
        for state, opacity in (("h", 1.0), ("c", 0.55)):
            part = rows[rows["state"] == state]
            if part.empty:
                continue
            values, unfold = line_data(part, ["series"], ["distance", "median", "low", "high"])
            marks = data(part[part["mark"]], ["series", "state", "distance", "median", "low", "high"])
            band = alt.Y("low:Q", title="‖∂loss/∂state‖", scale=scale)
            tip = ["series:N", "state:N", "distance:Q"] + [
                alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("median", "low", "high")
            ]
            area = alt.Chart().mark_area(opacity=0.10 * opacity, clip=True)
            line = alt.Chart().mark_line(
                strokeWidth=2, opacity=opacity, clip=True, strokeDash=[1, 0] if state == "h" else [4, 3]
            )
            layers += [
                alt.layer(
                    area.encode(x=x, y=band, y2="high:Q", color=self.colour),
                    line.encode(x=x, y=y, color=self.colour),
                    data=values,
                    transform=unfold,
                ),
                alt.Chart(marks)
                .mark_point(size=42, opacity=1, filled=state == "h")
                .encode(x=x, y=y, color=self.colour, shape=self.shape, tooltip=tip),
            ]
        return _panel(layers, title)

    def curves(
        self, title: str, rows: pd.DataFrame, y_title: str, y_scale: alt.Scale, longest: float, levels: pd.DataFrame
    ) -> Panel:
        """Score against training step, one thin line a seed; `rows`: `series, seed, step, value`."""
        x = alt.X(
            "step:Q",
            title="training step",
            scale=alt.Scale(domain=[0, longest], nice=False),
            axis=alt.Axis(tickCount=5),
        )
        y = alt.Y("value:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale))
        values, unfold = line_data(rows, ["series", "seed"], ["step", "value"])
        base = alt.Chart(values, transform=unfold)
        line = base.mark_line(strokeWidth=1.1, opacity=0.75, clip=True).encode(
            x=x, y=y, color=self.colour, strokeDash=self.dash, detail="seed:N"
        )
        ends = rows.loc[rows.groupby(["series", "seed"], sort=False)["step"].idxmax()] if len(rows) else rows
        last = alt.Chart(data(ends, ["series", "seed", "step", "value"])).mark_point(size=32, filled=True)
        end_points = last.encode(
            x=x, y=y, color=self.colour, shape=self.shape,
            tooltip=[alt.Tooltip("series:N", title="model"), "seed:Q", alt.Tooltip("step:Q", title="last step"),
                     alt.Tooltip("value:Q", title=y_title, format=".4~g")],
        )  # fmt: skip
        rules = [
            layer
            for level in levels.to_dict("records")
            for layer in self._levels(pd.DataFrame([level | {"lag": 0}]), None, y_scale, [])
        ]
        return _panel([*rules, line, end_points], title)

    def _levels(
        self, levels: pd.DataFrame | None, x: alt.X | None, y_scale: alt.Scale, lags: list[int]
    ) -> list[alt.Chart]:
        if levels is None or levels.empty:
            return []
        y = alt.Y("value:Q", scale=y_scale)
        tip = [alt.Tooltip("level:N"), alt.Tooltip("value:Q", format=".4~g")]
        drawn = alt.Chart(data(levels, ["level", "lag", "value"]))
        if x is None or len(lags) < 2:
            lines = drawn.mark_rule(stroke=MUTED, strokeDash=[3, 3]).encode(y=y, tooltip=tip)
        else:
            lines = drawn.mark_line(stroke=MUTED, strokeDash=[3, 3], strokeWidth=1.2, clip=True).encode(
                x=x, y=y, detail="level:N"
            )
        first = levels.sort_values("lag").groupby("level", sort=False).first().reset_index()
        return [
            lines,
            *[
                _level_label(level, dy, y)
                for level, dy in zip(first.to_dict("records"), _apart(first["value"], y_scale), strict=True)
            ],
        ]

    def _diverged(self, diverged: pd.DataFrame, x: alt.X, y: str, y_scale: alt.Scale) -> list[alt.Chart]:
        tip = [
            alt.Tooltip("series:N", title="model"),
            alt.Tooltip("lag:Q"),
            alt.Tooltip("seed:Q"),
            alt.Tooltip("status:N"),
        ]
        layers = []
        for has_score, part in diverged.groupby(diverged[y].notna(), sort=True):
            at = alt.Y(f"{y}:Q", scale=y_scale) if has_score else alt.value(HEIGHT - 5)
            layers.append(
                alt.Chart(data(part, ["series", "lag", "seed", "status", y]))
                .mark_point(shape=CROSS, size=70, strokeWidth=2, opacity=1)
                .encode(x=x, y=at, color=self.colour, tooltip=tip)
            )
        return layers


def lag_axis(lags: list[int]) -> alt.X:
    """A lag axis that shows 0 and 500 alike: symmetric logarithm, ticks at the lags of the grid."""
    smallest = next((lag for lag in lags if lag > 0), 1)
    ends = [lags[0], lags[-1]] if len(lags) > 1 else [lags[0] - 1, lags[0] + 1]
    scale = alt.Scale(type="symlog", constant=smallest, domain=ends, nice=False, padding=14)
    axis = alt.Axis(values=lags, format="d", labelOverlap="greedy")
    return alt.X("lag:Q", title="lag (steps between evidence and readout)", scale=scale, axis=axis)


def value_scale(values: Iterable[float], *, accuracy: bool) -> alt.Scale:
    """0 to 1 for accuracy; for an error from 0, or logarithmic where the values span more than a factor of 20."""
    finite = [float(value) for value in values if value is not None and math.isfinite(value)]
    if accuracy:
        return alt.Scale(domain=[0, 1.02], nice=False)
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low > 0 and high > 20 * low:
        return alt.Scale(type="log", domain=[low / 1.3, high * 1.3], nice=False)
    return alt.Scale(domain=[min(0.0, low), (high or 1.0) * 1.05], nice=False)


def skill_scale(values: Iterable[float]) -> alt.Scale:
    """Up to 1, and down to the worst skill shown but never below -1, where worse ones are drawn."""
    finite = [float(value) for value in values if math.isfinite(value)]
    low = max(_SKILL_FLOOR, min([-0.1, *finite]))
    return alt.Scale(domain=[low, 1.05], nice=False, clamp=True)


def positive_scale(values: Iterable[float], decades: int = _DECADES) -> tuple[float, float]:
    """Ends of a logarithmic axis that holds the values: a factor of 20 to `decades` long, counted from the top."""
    finite = [float(value) for value in values if math.isfinite(value) and value > 0]
    if not finite:
        return 1e-3, 1.0
    high = max(finite) * 1.5
    return min(max(min(finite) / 1.5, high * 10.0**-decades), high / 20), high


def value_axis(scale: alt.Scale) -> alt.Axis:
    """Few ticks; on a logarithmic scale at powers of ten, on a short one at 2 and 5 times these too."""
    spec = scale.to_dict()
    if spec.get("type") != "log":
        return alt.Axis(tickCount=5, format="~g")
    low, high = (math.log10(end) for end in spec["domain"])
    stride = max(1, math.ceil((high - low) / 7))
    multiples = (1,) if high - low > 3 else (1, 2, 5)
    exponents = range(stride * math.floor(low / stride), math.ceil(high) + 1, stride)
    ticks = [float(f"{m}e{e}") for e in exponents for m in multiples if low <= e + math.log10(m) <= high]
    # As `style.number` does: plain down to a thousandth, powers of ten below.
    return alt.Axis(
        values=ticks,
        labelExpr="datum.value >= 0.001 && datum.value < 1e6 ? format(datum.value, '~g') : format(datum.value, '.0e')",
    )


def data(table: pd.DataFrame, columns: list[str]) -> alt.InlineData:
    """Rows as they stand in the page: CSV (a quarter of JSON's size), four significant digits, only what is drawn."""
    kept = [column for column in columns if column in table]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(kept)
    writer.writerows([_plain(value) for value in row] for row in table[kept].itertuples(index=False, name=None))
    parse = {column: "number" if pd.api.types.is_numeric_dtype(table[column]) else "string" for column in kept}
    return alt.InlineData(values=text.getvalue(), format=alt.CsvDataFormat(type="csv", parse=parse))


def line_data(table: pd.DataFrame, names: list[str], along: list[str]) -> tuple[alt.InlineData, list[Any]]:
    """Data with one row a line, its numbers side by side in a cell, and the transforms that unfold them again.

    A third of the size of one row a point, since the names of a line stand there once.
    """
    folded = [
        [*key, *(" ".join(map(_plain, line[column])) for column in along)]
        for key, line in table.groupby(names, sort=False)
    ]
    rows = pd.DataFrame(folded, columns=[*names, *along]).astype(dict.fromkeys(along, str))
    rows = rows.assign(**{name: rows[name].astype(table[name].dtype) for name in names})
    unfold = [
        *(alt.CalculateTransform(calculate=f"split(datum.{name}, ' ')", **{"as": name}) for name in along),
        alt.FlattenTransform(flatten=along),
        *(alt.CalculateTransform(calculate=f"toNumber(datum.{name})", **{"as": name}) for name in along),
    ]
    return data(rows, [*names, *along]), unfold


def outcomes(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that count: finished or diverged."""
    return runs[runs["status"].isin(OUTCOMES)]


def _renumbered(svg: str) -> str:
    # Vega counts its clips on from the last figure of the process; a file must not tell what was drawn before it.
    found = dict.fromkeys(re.findall(r"\bid=\"(clip\d+)\"", svg))
    names = {name: f"clip-{place}" for place, name in enumerate(found)}
    return re.sub(r"\bclip\d+\b", lambda match: names.get(match[0], match[0]), svg)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value) or not math.isfinite(value):
        return ""
    return f"{float(value):.4g}"


def _published(published: pd.DataFrame, x: alt.X, y_scale: alt.Scale, last: int) -> list[alt.Chart]:
    y = alt.Y("value:Q", scale=y_scale)
    tip = [alt.Tooltip("label:N", title="published"), "lag:Q", alt.Tooltip("value:Q", format=".4~g")]
    marks = alt.Chart(data(published, ["label", "lag", "value"])).mark_point(
        shape=ASTERISK, size=60, stroke=MUTED, strokeWidth=1.4, opacity=1
    )
    layers = [marks.encode(x=x, y=y, tooltip=tip)]
    for lag, group in published.groupby("lag"):
        for row, dy in zip(group.to_dict("records"), _apart(group["value"], y_scale), strict=True):
            text = alt.Chart(data(pd.DataFrame([row]), ["label", "lag", "value"]))
            # To the left of the last lag, where the panel ends.
            mark = (
                text.mark_text(align="right", baseline="middle", dx=-8, dy=dy + 2)
                if lag == last and last
                else text.mark_text(align="left", baseline="middle", dx=8, dy=dy + 2)
            )
            layers.append(mark.encode(x=x, y=y, text="label:N"))
    return layers


def _level_label(level: dict[Any, Any], dy: float, y: alt.Y) -> alt.Chart:
    text = alt.Chart(data(pd.DataFrame([level]), ["level", "value"]))
    return text.mark_text(align="left", baseline="bottom", dx=2, dy=dy).encode(x=alt.value(0), y=y, text="level:N")


def _apart(values: Iterable[float], scale: alt.Scale) -> list[float]:
    """Offsets in pixels that keep labels of near levels from overlapping (12 px each), lowest level first."""
    spec = scale.to_dict()
    bend = math.log if spec.get("type") == "log" else float
    low, high = (bend(end) for end in spec["domain"])
    heights = [(bend(value) - low) / (high - low) * HEIGHT for value in values]
    offsets = [0.0] * len(heights)
    free = -math.inf
    for position in sorted(range(len(heights)), key=heights.__getitem__):
        base = max(heights[position] + 2, free)
        offsets[position] = heights[position] - base
        free = base + 12
    return offsets


def _panel(layers: list[Any], title: str) -> Panel:
    # Each panel keeps its own data, so that it can stand alone or inside a figure. Validation costs half of the time.
    with alt.data_transformers.enable(consolidate_datasets=False):
        spec = alt.layer(*layers, title=title, height=HEIGHT).to_dict(validate=False)
    return {key: value for key, value in spec.items() if key not in ("$schema", "config")}


def _hiding(spec: dict[str, Any]) -> dict[str, Any]:
    spec = dict(spec)
    if "layer" in spec:
        spec["layer"] = [_hiding(layer) for layer in spec["layer"]]
    if "encoding" in spec:
        # The page has one legend for all of its figures.
        spec["encoding"] = {
            channel: {**what, "legend": None} if "legend" in what else what
            for channel, what in spec["encoding"].items()
        }
    if "series" in spec.get("data", {}).get("format", {}).get("parse", {}):
        rule = {"filter": "indexof(shown, datum.series) >= 0"}
        spec["transform"] = [rule, *spec.get("transform", [])]
    return spec
