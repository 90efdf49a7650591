"""The memory horizon against the training budget."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import MODEL, PanelBuilder, panel
from rnnbench.report.drawing.scales import HEIGHT
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import count, sentences
from rnnbench.report.setups import fixed_note

_NONE = "none"


@register_figure("budget")
class Budget(TaskFigure):
    """Memory horizon had training ended earlier, a panel for each setup."""

    part, order = "Score", 30

    def draw(self, data: ReportData, problem: Problem) -> Figure | None:
        table = rows_of(data.budgets, problem)
        if table.empty or table["budget"].nunique() < 2 or not any(one.lag is not None for one in table["horizon"]):
            return None
        lags = sorted({count.lag for one in table["horizon"] for count in one.counts})
        names = [*map(str, reversed(lags)), _NONE]
        drawn = table.assign(
            reached=[_NONE if one.lag is None else str(one.lag) for one in table["horizon"]],
            told=[one.told for one in table["horizon"]],
        )
        builder = PanelBuilder(data.series)
        panels = [_panel(builder, str(setup), block, names) for setup, block in drawn.groupby("setup", sort=False)]
        caption = (
            "Memory horizon from the first solved validation of each run, had all training ended at that budget; at "
            "the end it is the memory horizon itself. A line that still rises there may rise further with more steps."
        )
        numbers = drawn[["setup", "series", "budget", "reached", "told"]]
        return Figure(
            self.file_name(problem),
            f"{problem.label}: memory horizon against the training budget",
            sentences(caption, fixed_note(table)),
            panels,
            numbers=numbers.rename(columns={"reached": "horizon", "told": "counts"}),
        )


def _panel(builder: PanelBuilder, title: str, rows: pd.DataFrame, names: list[str]) -> Panel:
    budgets = sorted(int(one) for one in rows["budget"].unique())
    scale = alt.Scale(type="log", domain=[budgets[0], budgets[-1]], nice=False, padding=14)
    x = alt.X("budget:Q", title="training steps", scale=scale, axis=alt.Axis(values=budgets, format=",d"))
    # Series on the same lag stand a little apart.
    labels = list(dict.fromkeys(rows["series"]))
    apart = min(4.0, 0.6 * HEIGHT / len(names) / len(labels))
    shift = {label: (at - (len(labels) - 1) / 2) * apart for at, label in enumerate(labels)}
    layers = []
    for label, part in rows.groupby("series", sort=False):
        data = inline_data(part, ["series", "budget", "reached", "told"])
        y = alt.Y("reached:O", title="memory horizon", sort=names, scale=alt.Scale(domain=names))
        aside = shift[str(label)]
        line = alt.Chart(data).mark_line(strokeWidth=1.6, interpolate="step-after", clip=True, yOffset=aside)
        point = alt.Chart(data).mark_point(size=40, filled=True, opacity=1, yOffset=aside)
        tip = [MODEL, alt.Tooltip("budget:Q", format=",d"), alt.Tooltip("reached:N", title="horizon"),
               alt.Tooltip("told:N", title="counts")]  # fmt: skip
        layers += [
            line.encode(x=x, y=y, color=builder.colour, strokeDash=builder.dash),
            point.encode(x=x, y=y, color=builder.colour, shape=builder.shape, tooltip=tip),
        ]
    told = "; ".join(
        f"{series}: " + ", ".join(f"{row['reached']} after {count(row['budget'])}" for row in part.to_dict("records"))
        for series, part in rows.groupby("series", sort=False)
    )
    return panel(layers, title, f"memory horizon. {told}.")
