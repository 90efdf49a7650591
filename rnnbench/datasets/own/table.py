"""A table of a user's: CSV, JSON lines or Parquet, packed by gzip or not, as text and numbers with their places."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.datasets.own import csv_file, numerals, place
from rnnbench.datasets.own.mistake import mistake, unknown_column
from rnnbench.datasets.own.times import Times, read_times


@dataclass(frozen=True)
class Table:
    """Columns of a file, and where each row stands in it."""

    path: str
    frame: pd.DataFrame
    """Columns of numbers as float64 (NaN: missing), of text as `str` (missing: NaN), of times as datetime64."""
    columns: tuple[str, ...]
    """Names of all columns of the file, also of those that were not wanted."""
    told: list[str]
    """What was taken that the file does not say itself: the delimiter, a decimal comma, how dates are read."""
    place_of: Callable[[int], str] = field(repr=False)

    def where(self, row: int) -> str:
        """The place of a row (from 0): `line 17`, or `row 17` of Parquet, both counted from 1."""
        return self.place_of(row)

    def numeric(self) -> list[str]:
        """The columns of numbers, those with a few wrong cells among them."""
        return [
            str(name)
            for name, cells in self.frame.items()
            if is_numeric(cells) or (_is_text(cells) and numerals.mostly_numbers(cells))
        ]

    def numbers(self, name: str) -> np.ndarray:
        """A column as float64; NaN where it is missing. Raises `UserError` for a cell that is no finite number."""
        cells = self.frame[name]
        if is_numeric(cells):
            values = cells.to_numpy()
        elif not _is_text(cells):
            raise mistake(self.path, f"column '{name}' holds times, not numbers")
        else:
            found = numerals.parse(cells)
            if found.wrong.any():
                row = int(np.argmax(found.wrong))
                raise self._no_number(name, row, str(cells.iloc[row]), found.ambiguous)
            if found.decimal_comma:
                self.told.append(f"decimal comma in column '{name}'")
            values = found.values
        if (infinite := np.isinf(values)).any():
            row = int(np.argmax(infinite))
            raise mistake(self.path, f"{self.where(row)}, column '{name}': {values[row]} is not a finite number")
        return values

    def _no_number(self, name: str, row: int, cell: str, ambiguous: bool) -> Exception:
        at, cell = f"{self.where(row)}, column '{name}'", cell if len(cell) <= 40 else f"{cell[:40]}..."
        if ambiguous and "," in cell:
            return mistake(
                self.path,
                f"{at}: '{cell}' may be {cell.replace(',', '')} or {cell.replace(',', '.')}; write one of them",
            )
        return mistake(self.path, f"{at}: '{cell}' is not a number")

    def text(self, name: str) -> pd.Series:
        """A column as `str`, NaN where a cell is empty; whole numbers without decimals. Name it in `texts` of `read`
        where leading zeros count."""
        cells = self.frame[name]
        if _is_text(cells):
            return cells.where(cells != "")
        if is_numeric(cells) and (cells.dropna() % 1 == 0).all():
            return cells.astype("Int64").astype("str").where(cells.notna())
        return cells.astype("str").where(cells.notna())

    def times(self, name: str) -> Times:
        """A column as times. Raises `UserError` for a cell that is none."""
        found = read_times(self.frame[name], name, self.path, self.where)
        if found.told and found.told not in self.told:
            self.told.append(found.told)
        return found


def read(path: str, wanted: Sequence[str] | None = None, *, texts: Sequence[str] = ()) -> Table:
    """The columns `wanted` of a file (None: all); those of `texts` stay text, even if they hold only numbers.

    CSV: delimiter , ; tab or |, decimal comma, UTF-8, or UTF-16 and UTF-32 with a byte order mark. A column is numbers
    if all of its cells are. Raises `UserError`, in one line with the place, for whatever cannot be read.
    """
    place.check(path)
    kind = _kind(path)
    read_kind = {"parquet": _parquet, "json": _json}.get(kind, _csv)
    found = read_kind(path, wanted, texts)
    if found.frame.empty:
        raise mistake(path, "holds no rows")
    return found


def is_numeric(cells: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(cells.dtype))


def _is_text(cells: pd.Series) -> bool:
    return isinstance(cells.dtype, pd.StringDtype)


_BINARY = {
    b"PK\x03\x04": "a zip archive or an Excel workbook: unpack it, or save it as CSV",
    b"\x89HDF": "an HDF5 file: save it as CSV or Parquet",
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save it as CSV",
    b"%PDF": "a PDF file: save its table as CSV",
    b"BZh": "packed by bzip2: unpack it, or pack it by gzip",
    b"\xfd7zX": "packed by xz: unpack it, or pack it by gzip",
}


def _kind(path: str) -> str:
    """`csv`, `json` or `parquet`, by the content first and then by the name."""
    with csv_file.opened(path) as file:
        start = file.read(64)
    if start.startswith(b"PAR1"):
        return "parquet"
    for magic, what in _BINARY.items():
        if start.startswith(magic):
            raise mistake(path, f"is {what}")
    suffixes = {suffix.lower() for suffix in PurePath(path).suffixes}
    if suffixes & {".parquet", ".pq"}:
        raise mistake(path, "is called Parquet, but is not: it does not begin with PAR1")
    json_like = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[{"))
    return "json" if json_like or suffixes & {".jsonl", ".ndjson", ".json"} else "csv"


def _csv(path: str, wanted: Sequence[str] | None, texts: Sequence[str]) -> Table:
    found = csv_file.dialect(path)
    known = tuple(name for name in found.names if name)
    chosen = _chosen(path, wanted, known)
    table = csv_file.read(path, found, chosen, texts)
    columns = {}
    for name in chosen:
        cells = table.column(name)
        table = table.drop_columns([name])
        columns[name] = _from_arrow(cells, name in texts)
    del cells
    return Table(
        path,
        pd.DataFrame(columns, copy=False),
        known,
        found.told,
        lambda row: f"line {csv_file.line_of(path, found, row):,}",
    )


def _parquet(path: str, wanted: Sequence[str] | None, texts: Sequence[str]) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        known = tuple(name for name in file.schema_arrow.names if not name.startswith("__index_level_"))
        chosen = _chosen(path, wanted, known)
        # Column by column, so that no more than one is held twice.
        columns = {name: _from_arrow(file.read([name]).column(name), name in texts) for name in chosen}
    except (pa.ArrowException, OSError, KeyError, NotImplementedError) as error:
        raise mistake(path, f"cannot be read as Parquet: {error}") from None
    return Table(path, pd.DataFrame(columns, copy=False), known, [], lambda row: f"row {row + 1:,}")


def _json(path: str, wanted: Sequence[str] | None, texts: Sequence[str]) -> Table:
    with csv_file.opened(path) as file:
        encoding = csv_file.encoding_of(file.read(4))
    csv_file.check_encoding(path, encoding)
    lines: list[int] = []
    cells: dict[str, list[Any]] = {}
    with csv_file.opened(path) as file:
        # Line by line, as one wrong line must be told with its number.
        for number, line in enumerate(file, 1):
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if text.strip():
                _add(path, number, text, cells, len(lines))
                lines.append(number)
    known = tuple(cells)
    chosen = _chosen(path, wanted, known)
    columns = {}
    for name in chosen:
        values = cells[name] + [None] * (len(lines) - len(cells[name]))
        nested = next((at for at, value in enumerate(values) if isinstance(value, list | dict)), None)
        if nested is not None and wanted is not None:
            raise mistake(path, f"line {lines[nested]:,}: '{name}' is a list or an object, not a text or a number")
        if nested is None:
            columns[name] = _from_values(values, name in texts)
    return Table(path, pd.DataFrame(columns, copy=False), known, [], lambda row: f"line {lines[row]:,}")


def _add(path: str, number: int, text: str, cells: dict[str, list[Any]], row: int) -> None:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "; JSON lines are read, an object a line, not a JSON array" if text.lstrip().startswith("[") else ""
        raise mistake(path, f"line {number:,} is not JSON: {error}{hint}") from None
    if not isinstance(entry, dict):
        raise mistake(path, f'line {number:,} is not a JSON object, such as {{"a": 1}}: each line must be one')
    for key, value in entry.items():
        column = cells.setdefault(key, [])
        column.extend([None] * (row - len(column)))
        column.append(value)


def _chosen(path: str, wanted: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    for name in wanted or ():
        if name not in known:
            raise unknown_column(path, name, known)
    return list(known if wanted is None else dict.fromkeys(wanted))


def _from_values(values: list[Any], as_text: bool) -> pd.Series:
    if not as_text and all(value is None or isinstance(value, bool | int | float) for value in values):
        return pd.Series([np.nan if value is None else float(value) for value in values], dtype="float64")
    written = [value if isinstance(value, str) or value is None else json.dumps(value) for value in values]
    return _numbers_or_text(pd.Series(written, dtype="str"), as_text)


def _from_arrow(cells: Any, as_text: bool) -> pd.Series:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if as_text and not pa.types.is_string(kind):
        return pd.Series(pc.cast(cells, pa.string()).to_pandas(), dtype="str")
    if number or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        values = cells.cast(pa.int8()) if pa.types.is_boolean(kind) else cells
        return pd.Series(pc.cast(values, pa.float64(), safe=False).to_numpy().astype(np.float64, copy=False))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pd.Series(pd.to_datetime(cells.to_pandas(), utc=True)).dt.tz_localize(None)
    return _numbers_or_text(pd.Series(pc.cast(cells, pa.string()).to_pandas(), dtype="str"), as_text)


def _numbers_or_text(cells: pd.Series, as_text: bool) -> pd.Series:
    """As float64 if every cell is a number, and at least one."""
    if as_text or not numerals.mostly_numbers(cells):
        return cells
    found = numerals.parse(cells)
    return cells if found.wrong.any() else pd.Series(found.values)
