"""The figure of the benchmark."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.bench.peers import FLOOR, PEERS
from rnnbench.bench.table import MEASURED, PROBLEM
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.neutral import neutral
from rnnbench.report.drawing.scales import value_axis
from rnnbench.report.drawing.style import all_series

_ROW = 38
"""Height of a row, pixels."""


def figures(steps: pd.DataFrame, processor: str) -> list[Figure]:
    """One figure per number of cores, a panel per cell, for the rows whose floor was measured."""
    measured = steps[steps["status"] == MEASURED]
    if measured.empty:
        return []
    floor = measured[measured["peer"] == FLOOR].set_index(PROBLEM)["step_ms"].rename("floor")
    rows = measured[measured["peer"] != FLOOR].join(floor, on=PROBLEM, how="inner")
    times = rows.assign(**{name: rows[f"{name}_ms"] / rows["floor"] for name in ("step", "low", "high")})
    drawn = []
    for cores, block in times.groupby("cores", sort=False):
        ends = [min(1.0, block["low"].min()), 1.1 * block["high"].max()]
        scale = alt.Scale(type="log", domain=ends, nice=False)
        drawn.append(
            Figure(
                f"steps-{cores}-core{'s' * (cores != 1)}",
                f"A training step on {'one core' if cores == 1 else f'{cores} cores'} ({processor}), "
                "in units of its matrix products",
                "Time of a training step over that of the bare matrix products of its recurrence: median and 10 to 90% "
                "of the turns. Further left is faster. Rows: batch, length, units.",
                [_panel(str(cell), part, scale) for cell, part in block.groupby("cell", sort=False)],
                columns=3,
            )
        )
    return drawn


def _panel(cell: str, rows: pd.DataFrame, scale: alt.Scale) -> Panel:
    looks = dict(zip(PEERS, all_series([(peer.label, "") for peer in PEERS.values()]), strict=True))
    series = [look for name, look in looks.items() if name != FLOOR]
    labels = [look.label for look in series]
    size = rows["batch"].astype(str) + ", " + rows["length"].astype(str) + ", " + rows["units"].astype(str)
    shown = rows.assign(peer=rows["peer"].map({name: look.label for name, look in looks.items()}), size=size)
    legend = alt.Legend(title=None, orient="bottom", columns=5)
    base = alt.Chart(inline_data(shown, ["peer", "size", "step", "low", "high"])).encode(
        y=alt.Y("size:N", title=None, sort=list(dict.fromkeys(size)), axis=alt.Axis(grid=True)),
        color=alt.Color("peer:N", scale=alt.Scale(domain=labels, range=[s.colour for s in series]), legend=legend),
    )
    x = alt.X("step:Q", title="times the matrix products", scale=scale, axis=value_axis(scale))
    shape = alt.Shape("peer:N", scale=alt.Scale(domain=labels, range=[s.shape for s in series]), legend=legend)
    spread = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x=x, shape=shape)
    with neutral():
        spec = alt.layer(spread, points, title=cell, height=_ROW * size.nunique()).to_dict()
    return {name: value for name, value in spec.items() if name not in ("$schema", "config")}
