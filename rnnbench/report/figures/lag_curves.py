"""Train lag x test lag: what networks trained for one lag score at others."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import MODEL, panel
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import number, sentences
from rnnbench.report.setups import fixed_note

_CELL_HEIGHT = 36
_MOST_IN_THIRDS = 9
"""Tested lags of a row for which a third of a page has room."""
_COLOURS = ["#f3f7fc", "#084594"]
_SHOWN = [
    "series", "lag", "test_lag", "score", "score_low", "score_high", "skill", "shade", "n", "column", "said", "name",
]  # fmt: skip
_LIGHT_TEXT_FROM = 0.7175
"""Where black and white are equally far from the colour of a cell: either has a contrast of at least 4.5."""


@register_figure("lag_curve")
class LagCurves(TaskFigure):
    """Score at the tested lag as a heat map: a figure for each setup, a panel for each model, a row a trained lag."""

    part, order = "Score", 20

    def draw(self, data: ReportData, problem: Problem) -> list[Figure]:
        curves = rows_of(data.lag_curves, problem).dropna(subset=["score"])
        return [
            self._of_setup(data, problem, str(setup), block) for setup, block in curves.groupby("setup", sort=False)
        ]

    def _of_setup(self, data: ReportData, problem: Problem, setup: str, block: pd.DataFrame) -> Figure:
        table = rows_of(data.summary, problem)
        table = table[table["setup"] == setup]
        cells = _cells(block, hundredths=problem.score_name == "accuracy")
        panels = [
            _panel(str(series), rows, table[table["series"] == series], problem.score_title, cells["column"])
            for series, rows in cells.groupby("series", sort=False)
        ]
        many = int(cells["column"].max() - cells["column"].min()) + 1 > _MOST_IN_THIRDS
        caption = (
            f"A row for each trained lag. Large: mean {problem.score_title} over the seeds; small: the lag at which it "
            "was tested, with that of the training framed. Colour: skill, white without memory, dark at the reference. "
            "A network that holds what it saw answers at all lags that it was trained at; a clock at its own alone."
        )
        return Figure(
            self.file_name(problem, setup),
            f"{problem.label}, {setup}: trained lag by tested lag",
            sentences(caption, fixed_note(block)),
            panels,
            columns=1 if many else 3,
        )


def _cells(block: pd.DataFrame, *, hundredths: bool) -> pd.DataFrame:
    """The rows with `column`, the place of a tested lag in its row, 0 at the trained one, and what stands in a cell."""
    row = [block["series"], block["lag"]]
    up_to_own = (block["test_lag"] <= block["lag"]).groupby(row).transform("sum")
    return block.assign(
        column=(block["test_lag"].groupby(row).rank() - up_to_own).astype(int),
        shade=block["skill"].fillna(0),
        said=[f"{score:.2f}" if hundredths else f"{score:.3g}" for score in block["score"]],
    )


def _panel(series: str, rows: pd.DataFrame, table: pd.DataFrame, what: str, columns: pd.Series) -> Panel:
    """The heat map of one series; `rows`: its cells; `table`: its summary; `columns`: those of all panels."""
    mine = table.to_dict("records")
    clocks, solved = ({int(row["lag"]): int(row[name]) for row in mine} for name in ("n_clock", "n_solved"))
    lags = sorted({int(lag) for lag in rows["lag"]})
    names = {lag: f"{lag}, clock" if clocks.get(lag) else f"{lag}" for lag in lags}
    cells = rows.assign(name=rows["lag"].map(names))
    drawn = alt.Chart(inline_data(cells, _SHOWN))
    own = alt.Chart(inline_data(cells[cells["test_lag"] == cells["lag"]], ["series", "name", "column"]))
    places = [*range(int(columns.min()), int(columns.max()) + 1)]
    x = alt.X("column:O", axis=None, scale=alt.Scale(domain=places, paddingInner=0.04, paddingOuter=0.02))
    ordered = alt.Scale(domain=[names[lag] for lag in lags], paddingInner=0.06, paddingOuter=0.03)
    axis = alt.Axis(title=None, grid=False, ticks=False, domain=False)
    y = alt.Y("name:O", scale=ordered, axis=axis)
    colour = alt.Color("shade:Q", scale=alt.Scale(range=_COLOURS, domain=[0, 1], clamp=True), legend=None)
    ink = alt.condition(alt.datum.shade > _LIGHT_TEXT_FROM, alt.value("white"), alt.value("black"))
    tip = [MODEL, alt.Tooltip("lag:Q", title="trained lag"), alt.Tooltip("test_lag:Q", title="tested lag"),
           *(alt.Tooltip(f"{name}:Q", title=title, format=".4~g")
             for name, title in (("score", what), ("score_low", "low"), ("score_high", "high"), ("skill", "skill"))),
           alt.Tooltip("n:Q", title="runs")]  # fmt: skip
    layers = [
        drawn.mark_rect().encode(x=x, y=y, color=colour, tooltip=tip),
        own.mark_rect(filled=False, stroke="#D55E00", strokeWidth=2).encode(x=x, y=y, detail=alt.Detail("series:N")),
        drawn.mark_text(dy=-6, fontSize=11).encode(x=x, y=y, text=alt.Text("said:N"), color=ink, tooltip=tip),
        drawn.mark_text(dy=8, fontSize=9).encode(x=x, y=y, text=alt.Text("test_lag:N"), color=ink, tooltip=tip),
    ]
    return panel(layers, series, _in_words(rows, what, clocks, solved), height=_CELL_HEIGHT * len(lags))


def _in_words(rows: pd.DataFrame, what: str, clocks: dict[int, int], solved: dict[int, int]) -> str:
    parts = []
    for lag in sorted(int(lag) for lag in rows["lag"].unique()):
        curve = rows[rows["lag"] == lag]
        points = ", ".join(f"{number(row['score'])} at {int(row['test_lag'])}" for row in curve.to_dict("records"))
        timed = f" ({clocks[lag]} of {solved[lag]} that solved it by a clock)" if clocks.get(lag) else ""
        parts.append(f"trained at {lag}{timed}: {points}")
    return f"{what}. {'; '.join(parts)}."
