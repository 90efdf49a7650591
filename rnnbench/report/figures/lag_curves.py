"""Train lag x test lag: what networks trained for one lag score at others."""

from __future__ import annotations

import altair as alt
import pandas as pd

from rnnbench.report.data import Problem, ReportData, rows_of
from rnnbench.report.drawing.figure import Figure, Panel
from rnnbench.report.drawing.inline import inline_data
from rnnbench.report.drawing.panels import MODEL, PanelBuilder, panel
from rnnbench.report.drawing.reference_marks import level_lines
from rnnbench.report.drawing.scales import lag_axis, value_axis, value_scale
from rnnbench.report.figures.base import TaskFigure, register_figure
from rnnbench.report.formatting import number, sentences
from rnnbench.report.setups import fixed_note


@register_figure("lag_curve")
class LagCurves(TaskFigure):
    """Score against the tested lag, a line for each trained lag: a figure for each setup, a panel for each model."""

    part, order = "Score", 20

    def draw(self, data: ReportData, problem: Problem) -> list[Figure]:
        curves = rows_of(data.lag_curves, problem).dropna(subset=["score"])
        if curves.empty:
            return []
        levels = rows_of(data.levels, problem)
        values = [*curves["score_low"], *curves["score_high"], *curves["score"], *levels["value"]]
        values += list(rows_of(data.frozen, problem)["value"])
        scale = value_scale(values, accuracy=problem.score_name == "accuracy")
        builder = PanelBuilder(data.series)
        return [
            self._of_setup(data, problem, builder, str(setup), block, scale)
            for setup, block in curves.groupby("setup", sort=False)
        ]

    def _of_setup(
        self,
        data: ReportData,
        problem: Problem,
        builder: PanelBuilder,
        setup: str,
        block: pd.DataFrame,
        scale: alt.Scale,
    ) -> Figure:
        table = rows_of(data.summary, problem)
        table = table[table["setup"] == setup]
        frozen = rows_of(data.frozen, problem)
        frozen = frozen[frozen["setup"] == setup].rename(columns={"lag": "test_lag"})
        levels = rows_of(data.levels, problem)
        levels = levels[(levels["setup"] == setup) & levels["level"].isin(("memoryless", "reference"))]
        levels = levels.drop_duplicates(["level", "value"]).groupby("level").head(1)
        test_lags = sorted({int(lag) for lag in block["test_lag"]})
        panels = [
            _panel(
                builder,
                str(series),
                rows,
                table,
                test_lags,
                problem.score_title,
                scale,
                levels,
                frozen[frozen["series"] == series],
            )
            for series, rows in block.groupby("series", sort=False)
        ]
        caption = (
            f"{problem.score_title.capitalize()} at the tested lag, a line for each trained lag, named where it was "
            "trained (filled mark). Line: mean over seeds; band: their range, from ten seeds on a bootstrap. A network "
            "that holds what it saw answers at shorter lags too; a clock answers at its own lag alone."
            f"{' Short strokes: the same network frozen at initialisation.' if len(frozen) else ''}"
        )
        return Figure(
            self.file_name(problem, setup),
            f"{problem.label}, {setup}: trained lag by tested lag",
            sentences(caption, fixed_note(block)),
            panels,
            columns=3,
        )


def _panel(
    builder: PanelBuilder,
    series: str,
    rows: pd.DataFrame,
    table: pd.DataFrame,
    test_lags: list[int],
    y_title: str,
    y_scale: alt.Scale,
    levels: pd.DataFrame,
    frozen: pd.DataFrame,
) -> Panel:
    """The curves of one series; `rows`: `series, lag, test_lag, score, score_low, score_high`; `table`: the summary."""
    x = lag_axis(test_lags, "test_lag").title("tested lag")
    y = alt.Y("score:Q", title=y_title, scale=y_scale, axis=value_axis(y_scale))
    mine = table[table["series"] == series].to_dict("records")
    clocks, solved = ({int(row["lag"]): int(row[name]) for row in mine} for name in ("n_clock", "n_solved"))
    own = rows[rows["test_lag"] == rows["lag"]]
    own = own.assign(name=[f"{lag}, clock" if clocks[lag] else f"{lag}" for lag in own["lag"]])
    tip = [MODEL, alt.Tooltip("lag:Q", title="trained lag"), alt.Tooltip("test_lag:Q", title="tested lag"),
           alt.Tooltip("score:Q", title=y_title, format=".4~g"), alt.Tooltip("n:Q", title="runs")]  # fmt: skip
    band = inline_data(rows.dropna(subset=["score_low"]), ["series", "lag", "test_lag", "score_low", "score_high"])
    line = alt.Chart(inline_data(rows, ["series", "lag", "test_lag", "score", "n"]))
    at_own = alt.Chart(inline_data(own, ["series", "lag", "test_lag", "score", "n", "name"]))
    own_level = alt.Chart(inline_data(frozen, ["series", "test_lag", "value"])).mark_tick(
        thickness=1.5, size=11, orient="horizontal", opacity=0.8
    )
    frozen_tip = [MODEL, alt.Tooltip("test_lag:Q", title="lag"), alt.Tooltip("value:Q", title="frozen", format=".4~g")]
    layers = [
        alt.Chart(band).mark_area(opacity=0.10, clip=True).encode(
            x=x, y=alt.Y("score_low:Q", title=y_title, scale=y_scale), y2="score_high:Q", color=builder.colour,
            detail="lag:N",
        ),
        *level_lines(levels, None, y_scale, []),
        own_level.encode(x=x, y=alt.Y("value:Q", scale=y_scale), color=builder.colour, tooltip=frozen_tip),
        line.mark_line(strokeWidth=1.4, opacity=0.8, clip=True).encode(x=x, y=y, color=builder.colour, detail="lag:N"),
        line.mark_point(size=18, opacity=0.8).encode(x=x, y=y, color=builder.colour, tooltip=tip),
        at_own.mark_point(size=60, filled=True, opacity=1).encode(
            x=x, y=y, color=builder.colour, shape=builder.shape, tooltip=tip
        ),
        at_own.mark_text(dy=13).encode(x=x, y=y, text="name:N"),
    ]  # fmt: skip
    return panel(layers, series, _in_words(rows, y_title, clocks, solved))


def _in_words(rows: pd.DataFrame, what: str, clocks: dict[int, int], solved: dict[int, int]) -> str:
    parts = []
    for lag in sorted(int(lag) for lag in rows["lag"].unique()):
        curve = rows[rows["lag"] == lag]
        points = ", ".join(f"{number(row['score'])} at {int(row['test_lag'])}" for row in curve.to_dict("records"))
        timed = f" ({clocks[lag]} of {solved[lag]} that solved it by a clock)" if clocks[lag] else ""
        parts.append(f"trained at {lag}{timed}: {points}")
    return f"{what}. {'; '.join(parts)}."
