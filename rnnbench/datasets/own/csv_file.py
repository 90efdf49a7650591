"""CSV files: what their first lines say of delimiter, encoding and decimal sign, and reading them by pyarrow."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import IO, Any, NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.numerals import MISSING, PLAIN

_HEAD = 1 << 18
_ROWS = 200
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NUMBER = re.compile(PLAIN)
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+")
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")


class Dialect(NamedTuple):
    """How a CSV file is written."""

    encoding: str
    delimiter: str
    decimal: str
    names: tuple[str, ...]
    """Of all columns; "" where the header has none."""
    skipped: int
    """Comment lines before the header."""
    header: int
    """Lines of the header."""
    numbers: tuple[bool, ...]
    """Whether the first cells of each column are numbers, truth values, or missing."""

    @property
    def told(self) -> list[str]:
        """What is not the rule: delimiter, decimal sign, encoding, and what is left out."""
        found = [] if self.delimiter == "," else [f"delimiter: {_NAMES[self.delimiter]}"]
        found += ["decimal comma"] if self.decimal == "," else []
        found += [f"encoding: {self.encoding}"] if self.encoding not in ("utf-8", "utf-8-sig") else []
        found += [f"{self.skipped} lines of comments left out"] if self.skipped else []
        return found + (["the first column, which has no name, left out"] if self.names[:1] == ("",) else [])


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """The file, unpacked if it is packed by gzip. Raises `UserError` if it, or its packing, cannot be read."""
    try:
        with open(path, "rb") as plain, gzip.open(plain) if _is_packed(plain) else nullcontext(plain) as file:
            yield file  # type: ignore[misc]
    except (OSError, EOFError, zlib.error) as error:
        raise mistake(path, f"cannot be read: {error}") from None


def _is_packed(file: IO[bytes]) -> bool:
    start = file.read(2)
    file.seek(0)
    return start == b"\x1f\x8b"


def encoding_of(start: bytes) -> str:
    """As the byte order mark says; UTF-8 without one."""
    return next((name for mark, name in _BOMS if start.startswith(mark)), "utf-8")


def dialect(path: str) -> Dialect:
    """What the first lines say. Raises `UserError` for a file without a header, or with two equal names in it."""
    with opened(path) as file:
        start = file.read(_HEAD)
    encoding = encoding_of(start)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError:
        check_encoding(path, encoding)
        raise
    if "\0" in text:
        raise mistake(path, f"is no text: a zero byte at position {start.index(0):,}")
    if not text.strip():
        raise mistake(path, "is empty")
    lines = io.StringIO(text, newline="").readlines()
    if len(start) == _HEAD and len(lines) > 1:
        lines.pop()
    comments = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    delimiter = _delimiter(lines[comments:])
    if comments == 1 and len(_records(lines[:1], delimiter)[0]) == len(_records(lines[1:2], delimiter)[0]) > 1:
        comments = 0
    reader = csv.reader(lines[comments:], delimiter=delimiter)
    header = next(row for row in reader if row)
    header_lines = reader.line_num
    rows = [row for row in _whole(reader) if row][:_ROWS]
    names = tuple(name.strip().lstrip("#").strip() if at == 0 else name.strip() for at, name in enumerate(header))
    _check_header(path, names, comments + 1)
    cells = [[row[column].strip() for row in rows if column < len(row)] for column in range(len(names))]
    decimal = _decimal(delimiter, cells)
    numbers = tuple(all(_is_number(cell, decimal) for cell in column) for column in cells)
    return Dialect(encoding, delimiter, decimal, names, comments, header_lines, numbers)


def _whole(reader: Any) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error:
        return


def _records(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    return [row for row in _whole(csv.reader(lines, delimiter=delimiter)) if row]


def _delimiter(lines: Sequence[str]) -> str:
    """The one that cuts the most rows into as many cells as the header."""

    def fit(delimiter: str) -> tuple[float, int]:
        rows = _records(lines[:_ROWS], delimiter)
        cells = len(rows[0])
        same = sum(len(row) == cells for row in rows) / len(rows)
        return (same, cells) if cells > 1 else (0.0, 0)

    return max(_NAMES, key=fit)


def _check_header(path: str, names: Sequence[str], line: int) -> None:
    if all(_NUMBER.match(name) or _TIME.fullmatch(name) for name in names):
        raise mistake(path, f"line {line}: '{names[0]}' where a name is expected: the first line must name the columns")
    twice = next((name for at, name in enumerate(names) if name and name in names[:at]), None)
    if twice is not None:
        raise mistake(path, f"line {line}: two columns are called '{twice}'")
    if not any(names):
        raise mistake(path, f"line {line}: the first line must name the columns")


def _decimal(delimiter: str, cells: Sequence[Sequence[str]]) -> str:
    """A comma where numbers have one and none has a point; only where commas do not separate cells."""
    if delimiter == ",":
        return "."
    every = [cell for column in cells for cell in column]
    has_comma = any(_COMMA_NUMBER.fullmatch(cell) for cell in every)
    has_point = any(_NUMBER.match(cell) and "." in cell for cell in every)
    # Semicolons separate cells because commas are decimal signs; behind a tab "1,234" may be a thousand.
    sure = delimiter == ";" or any(
        re.fullmatch(r"[+-]?(0?|\d{4,}),\d+|[+-]?\d+,(\d\d?|\d{4,})", cell) for cell in every
    )
    return "," if has_comma and not has_point and sure else "."


def _is_number(cell: str, decimal: str) -> bool:
    if cell in MISSING or cell.lower() in ("true", "false"):
        return True
    return bool(_NUMBER.match(cell.replace(",", ".") if decimal == "," and cell.count(",") == 1 else cell))


def read(path: str, found: Dialect, wanted: Sequence[str], texts: Sequence[str]) -> pa.Table:
    """The wanted columns; those of `texts`, and those whose first cells are not numbers, as text.

    Raises `UserError`, with the place, for rows of other lengths than the header, and for bytes that are no text.
    """
    as_text = {
        name: pa.string()
        for name, number in zip(found.names, found.numbers, strict=True)
        if name in wanted and (name in texts or not number)
    }
    as_numbers = {name: pa.float64() for name in wanted if name not in as_text}
    try:
        try:
            # Told the types, pyarrow drops each block of text at once.
            table = _parsed(path, found, wanted, as_text | as_numbers)
        except pa.ArrowInvalid as error:
            if "conversion error" not in str(error):
                raise
            # Truth values, or a cell that is no number: its column becomes text, and is told with its line.
            table = _parsed(path, found, wanted, as_text)
    except (pa.ArrowInvalid, UnicodeError) as error:
        if "Empty CSV" in str(error):
            raise mistake(path, "holds no rows below its header") from None
        _explain(path, found)
        raise mistake(path, f"cannot be read: {error}") from None
    if any(pa.types.is_binary(kind) for kind in table.schema.types):
        _explain(path, found)
    if not table.num_rows:
        raise mistake(path, "holds no rows below its header")
    return table


def _parsed(path: str, found: Dialect, wanted: Sequence[str], types: dict[str, pa.DataType]) -> pa.Table:
    # Unnamed columns need a name of their own to be left out.
    names = [name or f"\0{at}" for at, name in enumerate(found.names)]
    with opened(path) as file:
        return arrow_csv.read_csv(
            pa.PythonFile(file, mode="r"),
            read_options=arrow_csv.ReadOptions(
                column_names=names,
                skip_rows=found.skipped + found.header,
                encoding={"utf-8-sig": "utf8", "utf-8": "utf8"}.get(found.encoding, found.encoding),
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=found.delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(wanted),
                column_types=types,
                null_values=list(MISSING),
                decimal_point=found.decimal,
            ),
        )


def line_of(path: str, found: Dialect, row: int) -> int:
    """The line, counted from 1, on which a row (from 0) begins. Reads the file up to there."""
    for at, (line, _) in enumerate(_rows(path, found)):
        if at == row:
            return line
    return found.skipped + found.header + row + 1


def _rows(path: str, found: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header, each with its first line."""
    with opened(path) as file, io.TextIOWrapper(file, found.encoding, errors="replace", newline="") as text:
        for _ in range(found.skipped + found.header):
            next(text)
        reader, before = csv.reader(text, delimiter=found.delimiter), found.skipped + found.header
        line = before + 1
        for row in _whole(reader):
            if row:
                yield line, row
            line = before + reader.line_num + 1


def _explain(path: str, found: Dialect) -> None:
    """Raise `UserError` for the first byte that is no text, or else for the first row that is too long or too short."""
    check_encoding(path, found.encoding)
    for line, row in _rows(path, found):
        if len(row) != len(found.names):
            raise mistake(path, f"line {line:,} has {len(row):,} cells, but the header names {len(found.names):,}")


def check_encoding(path: str, encoding: str) -> None:
    """Raise `UserError` for the first byte that is not of the encoding, with its position (from 0) and line."""
    encoding = encoding.removesuffix("-sig")
    decoder, position, line = codecs.getincrementaldecoder(encoding)(), 0, 1
    with opened(path) as file:
        while chunk := file.read(_HEAD):
            pending = len(decoder.getstate()[0])
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as error:
                at = position - pending + error.start
                line += error.object[: error.start].count(b"\n")
                raise mistake(
                    path,
                    f"byte 0x{error.object[error.start]:02X} at position {at:,} (line {line:,}) is not "
                    f"{encoding.upper()}; save it as UTF-8",
                ) from None
            position += len(chunk)
