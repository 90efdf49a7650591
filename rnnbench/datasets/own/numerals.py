"""Numbers as people write them: decimal commas, thousands, missing cells. Ambiguous ones are refused, never guessed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

MISSING = ("", "NA", "N/A", "#N/A", "na", "n/a", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "none", "-", "?")
"""Cells that stand for a missing number."""
PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity)$"
"""A number as programs write it."""
_SAMPLE = 1000
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$"
"""1,234,567.8"""
_SURELY_THOUSANDS = r"^[+-]?[1-9]\d{0,2}((,\d{3}){2,}(\.\d+)?|,\d{3}\.\d+)$"
_COMMA = r"^[+-]?(\d+|[1-9]\d{0,2}(\.\d{3})+)?,\d+([eE][+-]?\d+)?$"
"""1.234.567,8 or 1234567,8"""
_SURELY_COMMA = r"^[+-]?((0\d*|\d{4,}|)(,\d+)|\d+,(\d{1,2}|\d{4,})|[1-9]\d{0,2}(\.\d{3})+,\d+)([eE][+-]?\d+)?$"
_GROUPED = "[ \u00a0\u202f'’]"
"""Spaces and apostrophes between groups of three digits mean nothing else."""


class Numerals(NamedTuple):
    """What the cells of a column say."""

    values: np.ndarray
    """(rows,) float64; NaN where a cell is missing, or is no number."""
    wrong: np.ndarray
    """(rows,) whether a cell is neither a number nor missing."""
    ambiguous: bool
    """Whether they are wrong because a comma may stand before decimals or between thousands."""
    decimal_comma: bool


def parse(cells: pd.Series) -> Numerals:
    """The numbers of a column of text."""
    text = _trimmed(cells)
    comma, thousands = _any(text, _COMMA), _any(text, _THOUSANDS)
    sure = comma and _any(text, _SURELY_COMMA), thousands and _any(text, _SURELY_THOUSANDS)
    if sure == (True, False):
        text = _comma_to_point(text)
    elif sure == (False, True):
        text = pc.if_else(_match(text, _THOUSANDS), pc.replace_substring(text, ",", ""), text)
    plain = _match(text, PLAIN)
    values = pc.cast(pc.utf8_ltrim(pc.if_else(plain, text, pa.scalar(None, pa.string())), "+"), pa.float64())
    wrong = pc.and_(pc.invert(plain), pc.is_valid(text))
    return Numerals(
        values.to_numpy().astype(np.float64),
        pc.fill_null(wrong, False).to_numpy().astype(bool),
        ambiguous=(comma or thousands) and not any(sure),
        decimal_comma=sure == (True, False),
    )


def mostly_numbers(cells: pd.Series) -> bool:
    """Whether nine of ten of the first cells that are not missing are numbers, ambiguous ones included."""
    text = pc.drop_null(_trimmed(cells.dropna().head(_SAMPLE)))
    numbers = sum(int(pc.sum(_match(text, kind)).as_py() or 0) for kind in (PLAIN, f"{_COMMA}|{_THOUSANDS}"))
    return numbers > 0 and numbers >= 0.9 * len(text)


def _trimmed(cells: pd.Series) -> pa.ChunkedArray:
    """The cells without spaces around them and between thousands; null where they are missing."""
    text = pc.utf8_trim_whitespace(pa.chunked_array([pa.array(cells, type=pa.string(), from_pandas=True)]))
    text = pc.if_else(pc.is_in(text, value_set=pa.array(MISSING)), pa.scalar(None, pa.string()), text)
    text = pc.replace_substring(text, "−", "-")
    grouped = _match(text, rf"^[+-]?\d{{1,3}}({_GROUPED}\d{{3}})+([.,]\d+)?$")
    return pc.if_else(grouped, pc.replace_substring_regex(text, _GROUPED, ""), text)


def _comma_to_point(text: pa.ChunkedArray) -> pa.ChunkedArray:
    grouped = _match(text, r"^[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?$")
    text = pc.if_else(grouped, pc.replace_substring(text, ".", ""), text)
    return pc.if_else(_match(text, _COMMA), pc.replace_substring(text, ",", "."), text)


def _match(text: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    return pc.match_substring_regex(text, pattern)


def _any(text: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(_match(text, pattern)).as_py())
