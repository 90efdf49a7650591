from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.datasets.own import table
from rnnbench.errors import UserError

TEXT = "date,a,b\n2017-01-01,1,2.5\n2017-01-02,3,-4e2\n"


def written(tmp_path: Path, content: str | bytes, name: str = "file.csv") -> str:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.replace(",", ";").replace(".", ","),
        TEXT.replace(",", ";"),
        TEXT.replace(",", "\t"),
        TEXT.replace(",", "|"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\n\n"),
        TEXT.replace(",", ", "),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        gzip.compress(TEXT.encode(), mtime=0),
        'date,a,b\n"2017-01-01","1","2.5"\n"2017-01-02","3","-400"\n',
        'date,a,b\n2017-01-01,1,"2,5"\n2017-01-02,3,"-400,0"\n',
        'date;a;b\n2017-01-01;1;2,5\n2017-01-02;3;"-4.000,00"\n'.replace("-4.000", "-0.400").replace("-0.400", "-400"),
        "# made by hand\n# twice\n" + TEXT,
        ",date,a,b\n0,2017-01-01,1,2.5\n1,2017-01-02,3,-400\n",
        '{"date": "2017-01-01", "a": 1, "b": 2.5}\n\n{"date": "2017-01-02", "b": -400, "a": 3}\n',
    ],
    ids=[
        "plain", "decimal comma", "semicolon", "tab", "bar", "windows", "blank lines", "spaces", "bom", "utf-16",
        "gzip", "quoted", "quoted decimal comma", "decimals", "comments", "index", "json lines",
    ],
)  # fmt: skip
def test_one_table_in_many_forms(tmp_path: Path, content: str | bytes) -> None:
    found = table.read(written(tmp_path, content))
    assert found.columns == ("date", "a", "b")
    assert found.numeric() == ["a", "b"]
    assert found.numbers("a").tolist() == [1, 3]
    assert found.numbers("b").tolist() == [2.5, -400]
    assert found.text("date").tolist() == ["2017-01-01", "2017-01-02"]
    assert found.times("date").values.astype("datetime64[D]").astype(str).tolist() == ["2017-01-01", "2017-01-02"]


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 3], "b": [2.5, None], "t": ["x", None], "on": [True, False]})
    frame.index = pd.date_range("2017-01-01", periods=2, name="date")
    path = str(tmp_path / "file.parquet")
    frame.to_parquet(path)
    found = table.read(path)
    assert found.numeric() == ["a", "b", "on"]
    np.testing.assert_array_equal(found.numbers("b"), [2.5, np.nan])
    assert found.numbers("on").tolist() == [1, 0]
    assert found.text("t").isna().tolist() == [False, True]
    assert found.times("date").values.astype("datetime64[D]").astype(str).tolist() == ["2017-01-01", "2017-01-02"]
    assert found.where(1) == "row 2"


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,234.5", "2"], [1234.5, 2]),
        (["1,234,567", "2,000"], [1234567, 2000]),
        (["1,5", "2,000"], [1.5, 2]),
        (["0,123", "1.234,5"], [0.123, 1234.5]),
        (["1 234,5", "2"], [1234.5, 2]),
        (["1'234.5", "2"], [1234.5, 2]),
        (["−3", "+4"], [-3, 4]),
        (["NA", "?", "5"], [np.nan, np.nan, 5]),
        (["", "true", "false"], [np.nan, 1, 0]),
    ],
)
def test_numbers_as_people_write_them(tmp_path: Path, cells: list[str], numbers: list[float]) -> None:
    lines = "".join(f'"{cell}",x\n' for cell in cells)
    np.testing.assert_array_equal(table.read(written(tmp_path, "n,t\n" + lines)).numbers("n"), numbers)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20), st.sampled_from(",;\t|"))
def test_any_numbers_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], delimiter: str
) -> None:
    path = tmp_path_factory.mktemp("own") / "n.csv"
    pd.DataFrame({"x": values, "t": "a"}).to_csv(path, index=False, sep=delimiter)
    assert table.read(str(path)).numbers("x").tolist() == values


def test_texts_stay_texts(tmp_path: Path) -> None:
    found = table.read(written(tmp_path, 'zip,say,n\n007,"a\nb",1\n,"x, ""y""",2\n'), texts=["zip"])
    assert found.text("zip").tolist()[0] == "007"
    assert found.text("zip").isna().tolist() == [False, True]
    assert found.text("say").tolist() == ["a\nb", 'x, "y"']
    assert found.text("n").tolist() == ["1", "2"]


def test_a_row_is_found_behind_blank_lines_and_quoted_line_breaks(tmp_path: Path) -> None:
    found = table.read(written(tmp_path, '# c\nt,n\n"a\nb",1\n\nx,2\ny,3\n'))
    assert [found.where(row) for row in range(3)] == ["line 3", "line 6", "line 7"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "file.csv: is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "holds no rows below its header"),
        ("1,2\n3,4\n", "line 1: '1' where a name is expected"),
        ("a,a\n1,2\n", "line 1: two columns are called 'a'"),
        ("a,b\n1,2\n3\n5,6\n", "line 3 has 1 cells, but the header names 2"),
        ('a,b\n"x\ny",2\n3,4,5\n', "line 4 has 3 cells, but the header names 2"),
        (b"t,b\nx,1\n\xe9t\xe9,2\n", r"byte 0xE9 at position 8 \(line 3\) is not UTF-8; save it as UTF-8"),
        (b"\xe9,b\n1,2\n", r"byte 0xE9 at position 0 \(line 1\) is not UTF-8"),
        (b"PK\x03\x04rest", "is a zip archive or an Excel workbook"),
        (b"a,b\n\0\0\0", "is no text: a zero byte at position 4"),
        (gzip.compress(TEXT.encode() * 99, mtime=0)[:60], "cannot be read: Compressed file ended"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_a_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        table.read(written(tmp_path, content))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ('[{"a": 1},\n {"a": 2}]\n', "line 1 is not JSON: .*; JSON lines are read, an object a line, not a JSON array"),
        ('{"a": 1}\n[1]\n', "line 2 is not a JSON object"),
        ('{"a": [1]}\n', "line 1: 'a' is a list or an object"),
        ('{"b": 1}\n', "no column 'a'"),
    ],
)
def test_json_lines_that_cannot_be_read(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        table.read(written(tmp_path, lines, "file.jsonl"), ["a"])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "2", "x"], r"line 4, column 'n': 'x' is not a number$"),
        (["1", "inf"], r"line 3, column 'n': inf is not a finite number"),
        (["1,234", "2"], r"line 2, column 'n': '1,234' may be 1234 or 1.234"),
        (["1,5", "1,234,567"], r"is not a number"),
        (["1.5.2"], r"line 2, column 'n': '1.5.2' is not a number"),
    ],
)
def test_a_cell_that_is_no_number_is_told_with_its_place(tmp_path: Path, cells: list[str], message: str) -> None:
    content = "n,t\n" + "".join(f'"{cell}",a\n' for cell in cells)
    with pytest.raises(UserError, match=message):
        table.read(written(tmp_path, content)).numbers("n")


def test_an_unknown_column_is_told_with_its_like(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no column 'dat' \(did you mean 'date'\?\); columns: date, a, b"):
        table.read(written(tmp_path, TEXT), ["dat"])


@pytest.mark.parametrize(
    ("cells", "dates", "told"),
    [
        (["13/01/2017", "02/02/2017"], ["2017-01-13", "2017-02-02"], ""),
        (["01/13/2017", "02/02/2017"], ["2017-01-13", "2017-02-02"], ""),
        (["01.02.2017", "02.02.2017"], ["2017-02-01", "2017-02-02"], "day.month.year"),
        (["02/01/2017", "01/02/2017"], ["2017-01-02", "2017-02-01"], "day/month/year"),
        (["01/02/2017", "01/03/2017"], ["2017-01-02", "2017-01-03"], "month/day/year, which may be wrong"),
        (["2017-01-01T00:00:00+01:00", "2017-01-02T00:00:00Z"], ["2016-12-31", "2017-01-02"], ""),
        (["Jan 2017", "Feb 2017"], ["2017-01-01", "2017-02-01"], ""),
        (["1990", "1991"], ["1990-01-01", "1991-01-01"], "%Y"),
        (["20170131", "20170201"], ["2017-01-31", "2017-02-01"], "%Y%m%d"),
        (["1483228800", "1483315200"], ["2017-01-01", "2017-01-02"], "s since 1970"),
        (["2017-01", "2017-02"], ["2017-01-01", "2017-02-01"], ""),
    ],
)
def test_times_in_many_forms(tmp_path: Path, cells: list[str], dates: list[str], told: str) -> None:
    content = "when,n\n" + "".join(f"{cell},1\n" for cell in cells)
    found = table.read(written(tmp_path, content))
    assert found.times("when").values.astype("datetime64[D]").astype(str).tolist() == dates
    assert " ".join(found.told).endswith(told)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["2017-01-01", "soon"], r"line 3, column 'when': 'soon' cannot be read as a time in the form of the first"),
        (["2017-01-01", "2017-02-30"], r"line 3, column 'when': '2017-02-30' cannot"),
        (["2017-01-01", ""], r"line 3, column 'when': the time is missing"),
        (["13/01/2017", "01/13/2017"], r"line 3, column 'when': '01/13/2017' has the day second"),
    ],
)
def test_a_cell_that_is_no_time_is_told_with_its_place(tmp_path: Path, cells: list[str], message: str) -> None:
    content = "when,n\n" + "".join(f"{cell},1\n" for cell in cells)
    with pytest.raises(UserError, match=message):
        table.read(written(tmp_path, content)).times("when")
