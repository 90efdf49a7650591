"""How panels are drawn: lines with bands and single runs, against the lag, the distance, the step or each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from rnnbench.report.drawing.figure import Panel
from rnnbench.report.drawing.inline import data, line_data
from rnnbench.report.drawing.neutral import neutral
from rnnbench.report.drawing.reference_marks import MUTED, level_lines, published_marks
from rnnbench.report.drawing.scales import HEIGHT, lag_axis, value_axis
from rnnbench.report.drawing.style import Series, number

CROSS = "M-1,-1L1,1M-1,1L1,-1"
_DODGE, _DODGE_IN_ALL = 0.014, 0.06
"""How far apart lines stand at the same lag, and all together at most, as shares of the axis."""
_MODEL = alt.Tooltip("series:N", title="model")


class PanelBuilder:
    """Draws panels for a fixed set of lines, so that a model looks the same in all of them."""

    def __init__(self, series: list[Series]) -> None:
        self._labels = labels = [s.label for s in series]
        legend = alt.Legend(
            title=None, orient="bottom", columns=5, symbolStrokeWidth=1.5, symbolOpacity=1, labelLimit=220
        )
        self.colour = alt.Color(
            "series:N", scale=alt.Scale(domain=labels, range=[s.colour for s in series]), legend=legend
        )
        self.shape = alt.Shape(
            "series:N", scale=alt.Scale(domain=labels, range=[s.shape for s in series]), legend=legend
        )
        # In a legend a dash would gnaw at the shapes.
        self.dash = alt.StrokeDash(
            "series:N", scale=alt.Scale(domain=labels, range=[s.dash for s in series]), legend=None
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

        `lines`: `series, lag, <y>` and, for a band, `low, high`. `runs`: `series, lag, seed, run, status, <y>`.
        `levels`: `level, lag, value`. `published`: `label, lag, value`. At the same lag the lines stand a little apart
        from each other, so that one does not hide the other where both are at chance, or perfect.
        """
        published = pd.DataFrame(columns=["label", "lag", "value"]) if published is None else published
        lags = sorted({int(lag) for lag in [*lines["lag"], *runs["lag"], *published["lag"]]})
        lines, runs = self._apart(lines, lags), self._apart(runs, lags)
        x = lag_axis(lags, "at")
        y_axis = alt.Y(f"{y}:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale))
        drawn = data(lines.dropna(subset=[y]), ["series", "lag", "at", y, "low", "high", "n"])
        seeds = data(runs.dropna(subset=[y]), ["series", "lag", "at", "seed", y, "status", "run"])
        layers = []
        if "low" in lines and lines["low"].notna().any():
            # Where all seeds agree there is no interval: the band closes on the line.
            closed = lines.assign(low=lines["low"].fillna(lines[y]), high=lines["high"].fillna(lines[y]))
            band = alt.Chart(data(closed.dropna(subset=["low", "high"]), ["series", "at", "low", "high"]))
            layers.append(
                band.mark_area(opacity=0.14, clip=True).encode(
                    x=x, y=alt.Y("low:Q", title=y_title, scale=y_scale), y2="high:Q", color=self.colour
                )
            )
        layers += level_lines(levels, lag_axis(lags), y_scale, lags)
        value = alt.Tooltip(f"{y}:Q", title=y_title, format=".4~g")
        ends = [alt.Tooltip(f"{end}:Q", format=".4~g") for end in ("low", "high")] if "low" in lines else []
        layers += [
            alt.Chart(drawn).mark_line(strokeWidth=2, clip=True).encode(
                x=x, y=y_axis, color=self.colour, strokeDash=self.dash
            ),
            alt.Chart(seeds).mark_point(size=22, strokeWidth=1, opacity=0.55, cursor="pointer").encode(
                x=x, y=y_axis, color=self.colour, shape=self.shape,
                tooltip=[_MODEL, "lag:Q", "seed:Q", value, "status:N"],
            ),
            alt.Chart(drawn).mark_point(size=46, filled=True, opacity=1).encode(
                x=x, y=y_axis, color=self.colour, shape=self.shape,
                tooltip=[_MODEL, "lag:Q", value, *ends, alt.Tooltip("n:Q", title="runs")],
            ),
        ]  # fmt: skip
        layers += self._diverged(runs[runs["status"] == "diverged"], x, y, y_scale)
        if len(published):
            layers += published_marks(published, lag_axis(lags), y_scale, last=lags[-1])
        return panel(layers, title, self._spoken(lines.dropna(subset=[y]), y, "lag", y_title))

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
            numbers = [alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("median", "low", "high")]
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
                .encode(
                    x=x, y=y, color=self.colour, shape=self.shape, tooltip=[_MODEL, "state:N", "distance:Q", *numbers]
                ),
            ]
        ends = rows[rows["distance"].isin([rows["distance"].min(), rows["distance"].max()])]
        named = ends.assign(series=ends["series"] + np.where(ends["state"] == "c", ", state c", ""))
        return panel(layers, title, self._spoken(named, "median", "distance", "gradient norm"))

    def curves(
        self, title: str, rows: pd.DataFrame, y_title: str, y_scale: alt.Scale, longest: float, levels: pd.DataFrame
    ) -> Panel:
        """Score against training step, one thin line a seed; `rows`: `series, seed, run, step, value`."""
        x = _steps(longest)
        y = alt.Y("value:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale))
        values, unfold = line_data(rows, ["series", "seed"], ["step", "value"])
        line = alt.Chart(values, transform=unfold).mark_line(strokeWidth=1.1, opacity=0.75, clip=True)
        ends = rows.loc[rows.groupby(["series", "seed"], sort=False)["step"].idxmax()] if len(rows) else rows
        last = alt.Chart(data(ends, ["series", "seed", "step", "value", "run"]))
        return panel(
            [
                *level_lines(levels, None, y_scale, []),
                line.encode(x=x, y=y, color=self.colour, strokeDash=self.dash, detail="seed:N"),
                last.mark_point(size=32, filled=True, cursor="pointer").encode(
                    x=x, y=y, color=self.colour, shape=self.shape,
                    tooltip=[_MODEL, "seed:Q", alt.Tooltip("step:Q", title="last step"),
                             alt.Tooltip("value:Q", title=y_title, format=".4~g")],
                ),
            ],
            title,
            self._spoken(ends.sort_values("step", kind="stable"), "value", "step", f"last {y_title} of each seed"),
        )  # fmt: skip

    def solving(self, title: str, rows: pd.DataFrame, longest: float) -> Panel:
        """Share of runs that have solved their task by a step: `series, step, share, low, high, n, censored`."""
        x, scale = _steps(longest), alt.Scale(domain=[0, 1.02], nice=False)
        y = alt.Y("share:Q", title="share that has solved", scale=scale, axis=value_axis(scale))
        band = data(rows.dropna(subset=["low", "high"]), ["series", "step", "low", "high"])
        line = data(rows, ["series", "step", "share"])
        marks = rows[rows["mark"]]
        layers = [
            alt.Chart(band).mark_area(opacity=0.10, clip=True, interpolate="step-after").encode(
                x=x, y=alt.Y("low:Q", title="share that has solved", scale=scale), y2="high:Q", color=self.colour
            ),
            alt.Chart(line).mark_line(strokeWidth=2, clip=True, interpolate="step-after").encode(
                x=x, y=y, color=self.colour, strokeDash=self.dash
            ),
            alt.Chart(data(marks, ["series", "step", "share", "low", "high", "n"])).mark_point(
                size=40, filled=True, opacity=1
            ).encode(
                x=x, y=y, color=self.colour, shape=self.shape,
                tooltip=[_MODEL, "step:Q", alt.Tooltip("share:Q", format=".2~f"), alt.Tooltip("low:Q", format=".2~f"),
                         alt.Tooltip("high:Q", format=".2~f"), alt.Tooltip("n:Q", title="runs")],
            ),
        ]  # fmt: skip
        return panel(layers, title, self._spoken(marks, "share", "step", "share that has solved"))

    def together(
        self,
        title: str,
        runs: pd.DataFrame,
        x: str,
        ends: tuple[float, float],
        y_title: str,
        y_scale: alt.Scale,
        levels: pd.DataFrame,
        words: str,
    ) -> Panel:
        """`score` of each run against its gradient's survival, the column `x` of `runs`."""
        low, high = ends
        scale = alt.Scale(type="log", domain=[low, high], nice=False, clamp=True, padding=6)
        shown = data(
            runs.assign(**{x: runs[x].clip(lower=low)}), ["series", "lag", "seed", x, "score", "status", "run"]
        )
        points = alt.Chart(shown).mark_point(size=38, strokeWidth=1.4, opacity=0.8, cursor="pointer")
        return panel(
            [
                *level_lines(levels, None, y_scale, []),
                points.encode(
                    x=alt.X(f"{x}:Q", title="gradient survival", scale=scale, axis=value_axis(scale)),
                    y=alt.Y("score:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale)),
                    color=self.colour, shape=self.shape,
                    tooltip=[_MODEL, "lag:Q", "seed:Q", alt.Tooltip(f"{x}:Q", title="survival", format=".3~g"),
                             alt.Tooltip("score:Q", title=y_title, format=".4~g"), "status:N"],
                ),
            ],
            title,
            words,
        )  # fmt: skip

    def _apart(self, table: pd.DataFrame, lags: Sequence[int]) -> pd.DataFrame:
        """`table` with the column `at`, where its points stand on the lag axis."""
        place = table["series"].map({label: at for at, label in enumerate(self._labels)}).astype(float)
        shift = (place - (len(self._labels) - 1) / 2) * min(_DODGE, _DODGE_IN_ALL / len(self._labels))
        lag = table["lag"].astype(float)
        if len(lags) == 1:
            return table.assign(at=lag + 2 * shift)
        smallest = next(lag for lag in lags if lag > 0)
        length = np.log1p(lags[-1] / smallest) - np.log1p(lags[0] / smallest)
        return table.assign(at=smallest * np.expm1(np.log1p(lag / smallest) + shift * length))

    def _diverged(self, diverged: pd.DataFrame, x: alt.X, y: str, y_scale: alt.Scale) -> list[alt.Chart]:
        layers = []
        for has_score, part in diverged.groupby(diverged[y].notna(), sort=True):
            at = alt.Y(f"{y}:Q", scale=y_scale) if has_score else alt.value(HEIGHT - 5)
            layers.append(
                alt.Chart(data(part, ["series", "lag", "at", "seed", "status", y, "run"]))
                .mark_point(shape=CROSS, size=70, strokeWidth=2, opacity=1, cursor="pointer")
                .encode(x=x, y=at, color=self.colour, tooltip=[_MODEL, "lag:Q", "seed:Q", "status:N"])
            )
        return layers

    def _spoken(self, rows: pd.DataFrame, y: str, x: str, what: str) -> str:
        """The points of a panel in words, line by line."""
        lines = [
            f"{series}: "
            + ", ".join(f"{number(row[y])} at {x if not at else ''} {int(row[x])}".replace("  ", " ")
                        for at, row in enumerate(line.to_dict("records")))
            for series, line in rows.groupby("series", sort=False)
        ]  # fmt: skip
        return f"{what}. {'; '.join(lines)}." if lines else "No values."


def panel(layers: list[Any], title: str, words: str) -> Panel:
    """The layers as one spec that keeps its own data, so that it can stand alone or inside a figure."""
    # Validation costs half of the time.
    with neutral():
        spec = alt.layer(*layers, title=title, height=HEIGHT, description=words).to_dict(validate=False)
    return {key: value for key, value in spec.items() if key not in ("$schema", "config")}


def _steps(longest: float) -> alt.X:
    scale = alt.Scale(domain=[0, longest], nice=False, padding=4)
    return alt.X("step:Q", title="training step", scale=scale, axis=alt.Axis(tickCount=5))
