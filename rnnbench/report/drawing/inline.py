"""Data as a page holds them."""

from __future__ import annotations

import csv
import io
import math
import numbers
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

_MARKS = 480
"""How many points a panel may hold, so that a page stays small."""


def inline_data(table: pd.DataFrame, columns: list[str]) -> alt.InlineData:
    """The drawn columns of a table, as CSV (a quarter of JSON's size) with four significant digits."""
    kept = [column for column in columns if column in table]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(kept)
    writer.writerows([_compact(value) for value in row] for row in table[kept].itertuples(index=False, name=None))
    parse = {column: "number" if pd.api.types.is_numeric_dtype(table[column]) else "string" for column in kept}
    return alt.InlineData(values=text.getvalue(), format=alt.CsvDataFormat(type="csv", parse=parse))


def inline_series(table: pd.DataFrame, names: list[str], along: list[str]) -> tuple[alt.InlineData, list[Any]]:
    """One row for each series, its values side by side in a cell, and the transforms that unfold them again.

    A third of the size of one row for each point, since the names of a series are not repeated.
    """
    folded = [
        [*key, *(" ".join(map(_compact, rows[column])) for column in along)]
        for key, rows in table.groupby(names, sort=False)
    ]
    whole = pd.DataFrame(folded, columns=[*names, *along]).astype(dict.fromkeys(along, str))
    whole = whole.assign(**{name: whole[name].astype(table[name].dtype) for name in names})
    unfold = [
        *(alt.CalculateTransform(calculate=f"split(datum.{name}, ' ')", **{"as": name}) for name in along),
        alt.FlattenTransform(flatten=along),
        *(alt.CalculateTransform(calculate=f"toNumber(datum.{name})", **{"as": name}) for name in along),
    ]
    return inline_data(whole, [*names, *along]), unfold


def thinned(rows: pd.DataFrame, column: str, curves: int) -> pd.DataFrame:
    """Rows at evenly spread values of `column`, both ends kept: at most 60, fewer where a panel holds many curves."""
    values = np.unique(rows[column])
    most = min(len(values), int(np.clip(_MARKS // max(curves, 1), 12, 60)))
    return rows[rows[column].isin(values[np.linspace(0, len(values) - 1, most).round().astype(int)])]


def _compact(value: Any) -> str:
    """Four significant digits; nothing for what is missing."""
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value) or not math.isfinite(value):
        return ""
    if isinstance(value, numbers.Integral):
        return str(value)
    return f"{float(value):.4g}"
