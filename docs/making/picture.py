"""Draws docs/both-halves.svg from a committed report: `python docs/making/picture.py`. A test compares them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from rnnbench.report.drawing.figure import VEGA_LITE
from rnnbench.report.drawing.style import PAPER, all_series, vega_config

DOCS = Path(__file__).parents[1]
PICTURE = DOCS / "both-halves.svg"
RESULTS = DOCS.parent / "reports" / "copy-memory" / "results.csv"
PROTOCOL = {"training_lags": "far", "filler": "distractor", "role": "evaluated"}
SHOWN = {
    "score": ("mean", "What is recalled", "accuracy, mean of seeds"),
    "survival_initial": ("median", "What is left of the gradient", "survival before training, median"),
}
DECADES = {1.0: "1", 1e-5: "10⁻⁵", 1e-10: "10⁻¹⁰", 1e-15: "10⁻¹⁵", 1e-20: "10⁻²⁰"}
CHANCE = pd.DataFrame({"lag": [10], "score": [0.125], "name": ["chance"]})


def drawn() -> str:
    """The picture as SVG: score and gradient survival against the lag, beside each other."""
    numbers = statistics()
    score = _panel(
        numbers, "score", alt.Scale(domain=[0, 1.03], nice=False), alt.Axis(values=[0, 0.5, 1], format=".1f")
    )
    decades = alt.Axis(
        values=list(DECADES), labelExpr=f"{json.dumps(list(DECADES.values()))}[round(-log(datum.value) / LN10 / 5)]"
    )
    gradient = _panel(numbers, "survival_initial", alt.Scale(type="log", domain=[1e-21, 2], nice=False), decades)
    level = alt.Chart(CHANCE).encode(y="score:Q")
    chance = level.mark_rule(strokeDash=[3, 3], color=PAPER["muted"]) + level.mark_text(
        align="left", dx=4, dy=-7, fontSize=14, color=PAPER["muted"]
    ).encode(text="name", x=alt.value(0))
    whole = alt.hconcat(chance + score, gradient, spacing=20).resolve_scale(color="shared", strokeDash="shared")
    svg = vl_convert.vegalite_to_svg({**whole.to_dict(), "config": _config()}, vl_version=VEGA_LITE)
    return re.sub(r"^<svg[^>]*>", lambda opening: opening[0] + f"<title>{_words(numbers)}</title>", svg, count=1) + "\n"


def statistics() -> pd.DataFrame:
    """`model, lag, score, survival_initial` of the evaluated runs under the protocol that is drawn."""
    runs = pd.read_csv(RESULTS, keep_default_na=False, na_values=[""])
    for column, value in PROTOCOL.items():
        runs = runs[runs[column] == value]
    how = {column: (column, statistic) for column, (statistic, *_) in SHOWN.items()}
    return runs.groupby(["model", "lag"], sort=False).agg(**how).reset_index()


def _panel(numbers: pd.DataFrame, column: str, scale: alt.Scale, axis: alt.Axis) -> Any:
    _, title, unit = SHOWN[column]
    looks = all_series([(model, "") for model in dict.fromkeys(numbers["model"])])
    names, domain = [look.label for look in looks], sorted(set(numbers["lag"]))
    legend = alt.Legend(title=None, orient="top", columns=5, symbolStrokeWidth=0)
    base = alt.Chart(numbers[["model", "lag", column]], title=alt.Title(title, subtitle=unit)).encode(
        x=alt.X("lag:Q", title="lag (steps)", axis=alt.Axis(values=domain), scale=alt.Scale(domain=[0, domain[-1]])),
        y=alt.Y(f"{column}:Q", title=None, scale=scale, axis=axis),
        color=alt.Color("model:N", scale=alt.Scale(domain=names, range=[look.colour for look in looks]), legend=legend),
        strokeDash=alt.StrokeDash(
            "model:N", scale=alt.Scale(domain=names, range=[look.dash for look in looks]), legend=None
        ),
    )
    points = base.mark_point(filled=True, size=50, opacity=1).encode(strokeDash=alt.value([1, 0]))
    return (base.mark_line(strokeWidth=2.5) + points).properties(width=215, height=190)


def _config() -> dict[str, Any]:
    config = vega_config(PAPER)
    config["axis"] |= {"labelFontSize": 15, "titleFontSize": 15}
    config["title"] |= {"fontSize": 17, "subtitleFontSize": 14}
    config["legend"] |= {"labelFontSize": 15, "symbolSize": 120}
    return config | {"padding": 12}


def _words(numbers: pd.DataFrame) -> str:
    last = numbers[numbers["lag"] == numbers["lag"].max()]
    told = [f"{row.model} {row.score:.2f} and {row.survival_initial:.2g}" for row in last.itertuples()]
    return f"Accuracy and gradient survival at lag {numbers['lag'].max()}: {', '.join(told)}."


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
