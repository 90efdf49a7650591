"""Data as they stand in a page."""

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
"""Values a panel may hold, so that a page stays small."""


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


def thinned(rows: pd.DataFrame, column: str, lines: int) -> pd.DataFrame:
    """Evenly spread values of `column`, both ends kept: at most 60, fewer where a panel holds many lines."""
    values = np.unique(rows[column])
    most = min(len(values), int(np.clip(_MARKS // max(lines, 1), 12, 60)))
    return rows[rows[column].isin(values[np.linspace(0, len(values) - 1, most).round().astype(int)])]


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value) or not math.isfinite(value):
        return ""
    if isinstance(value, numbers.Integral):
        return str(value)
    return f"{float(value):.4g}"
