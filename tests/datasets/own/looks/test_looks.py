"""What a file is taken for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnbench.datasets.own.looks import Look, SequencesLook, SeriesLook, TextsLook, look
from rnnbench.errors import UserError

Make = Callable[[dict[str, Any]], Look]
HOURS = pd.date_range("2024-01-01", periods=100, freq="h")
RNG = np.random.default_rng(0)
REVIEWS = [f"the {n} film was rather long and so was I" for n in range(100)]


@pytest.fixture
def seen(tmp_path: Path) -> Make:
    def make(columns: dict[str, Any]) -> Look:
        pd.DataFrame(columns).to_csv(tmp_path / "file.csv", index=False)
        return look(str(tmp_path / "file.csv"))

    return make


def test_times_that_rise_are_a_series(seen: Make) -> None:
    found = seen(
        {"n": range(100), "when": HOURS, "a": RNG.normal(size=100), "same": 1, "b": range(0, 200, 2), "who": "me"}
    )
    assert isinstance(found, SeriesLook)
    assert (found.time, found.columns, found.target) == ("when", ("a", "b"), "b")
    assert found.clock is not None
    assert (found.clock.step, found.clock.season, found.clock.words(48)) == ("1 hour", 24, "2 days")
    assert "left out: 'n', which counts the rows" in found.notes
    assert "left out: 'same', which never changes" in found.notes
    assert "left out: 'who' (text, 1 different)" in found.notes
    assert "'when' holds times that rise" in found.why


@pytest.mark.parametrize("name", ["target", "y", "Value", "sales_target"])
def test_a_target_is_known_by_its_name(seen: Make, name: str) -> None:
    found = seen({"when": HOURS, name: RNG.normal(size=100), "last": RNG.normal(size=100)})
    assert isinstance(found, SeriesLook)
    assert (found.target, found.target_why) == (name, "by its name")


def test_year_and_month_in_columns_of_their_own(seen: Make) -> None:
    months = pd.date_range("2000-01-01", periods=60, freq="MS")
    for of_month in (months.month, months.strftime("%b")):
        found = seen({"year": months.year, "month": of_month, "passengers": RNG.normal(size=60)})
        assert isinstance(found, SeriesLook)
        assert found.clock is not None
        assert (found.time, found.columns, found.clock.season) == (None, ("passengers",), 12)
        assert "'year', 'month'" in found.why


def test_numbers_alone_are_a_series_of_rows(seen: Make) -> None:
    found = seen({"a": RNG.normal(size=60), "b": RNG.normal(size=60), "kind": ["x", "y"] * 30})
    assert isinstance(found, SeriesLook)
    assert (found.time, found.clock, found.columns) == (None, None, ("a", "b"))
    assert "no times rise" in found.why


def test_missing_values_are_counted(seen: Make) -> None:
    found = seen({"when": HOURS, "a": [np.nan, np.nan, *range(98)]})
    assert isinstance(found, SeriesLook)
    assert found.missing == 2


def test_a_column_of_splits_in_order(seen: Make) -> None:
    splits = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
    found = seen({"when": HOURS, "a": RNG.normal(size=100), "part": splits})
    assert isinstance(found, SeriesLook)
    assert (found.split, found.split_rows) == ("part", (60, 20, 20))
    mixed = seen({"when": HOURS, "a": RNG.normal(size=100), "part": splits[::-1]})
    assert isinstance(mixed, SeriesLook)
    assert mixed.split is None


def test_texts_and_few_values(seen: Make) -> None:
    found = seen({"id": range(100), "review": REVIEWS, "words": range(100), "mood": ["good", "bad"] * 50})
    assert isinstance(found, TextsLook)
    assert (found.text, found.label, found.classes, found.tokens, found.length) == ("review", "mood", 2, "words", 10)


def test_texts_with_irregular_times_are_texts_but_a_clock_is_a_series(seen: Make) -> None:
    columns = {"review": REVIEWS, "stars": [1, 2, 3, 4] * 25}
    waits = pd.to_timedelta(RNG.integers(1, 10_000, 100).cumsum(), unit="s")
    assert isinstance(seen({"when": HOURS[0] + waits, **columns}), TextsLook)
    assert isinstance(seen({"when": HOURS, **columns}), SeriesLook)


def test_short_texts_are_read_by_characters_where_no_numbers_stand_beside(seen: Make) -> None:
    names = [f"Smith{n}" for n in range(100)]
    found = seen({"name": names, "language": ["en", "de"] * 50})
    assert isinstance(found, TextsLook)
    assert (found.tokens, found.length) == ("characters", 7)
    beside = seen({"name": names, "language": ["en", "de"] * 50, "height": RNG.normal(size=100)})
    assert isinstance(beside, SeriesLook)


def test_an_id_with_several_rows_each(seen: Make) -> None:
    found = seen(
        {
            "engine": np.repeat(range(20), 5),
            "cycle": np.tile(range(5), 20),
            "heat": RNG.normal(size=100),
            "broken": np.repeat([0, 1], 50),
        }
    )
    assert isinstance(found, SequencesLook)
    assert (found.id, found.step, found.features, found.label) == ("engine", "cycle", ("heat",), "broken")
    assert (found.sequences, found.longest) == (20, 5)
    assert "the same in all rows of each 'engine'" in found.label_why


def test_countries_over_the_years(seen: Make) -> None:
    """An id without the name of one, beside times that begin anew for each."""
    found = seen(
        {
            "country": np.repeat([f"land {n}" for n in range(12)], 8),
            "continent": np.repeat(["east", "west", "north"], 32),
            "year": np.tile(range(1990, 1998), 12),
            "people": RNG.normal(size=96),
        }
    )
    assert isinstance(found, SequencesLook)
    assert (found.id, found.step, found.features, found.label) == ("country", "year", ("people",), "continent")


def test_ids_in_blocks_without_steps(seen: Make) -> None:
    found = seen({"subject": np.repeat(range(20), 5), "x": RNG.normal(size=100), "activity": ["sit", "run"] * 50})
    assert isinstance(found, SequencesLook)
    assert (found.id, found.step, found.label) == ("subject", None, "activity")


def test_an_npz_and_a_folder(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=RNG.normal(size=(30, 7, 2)), y=np.arange(30) % 3)
    of_npz = look(str(tmp_path / "a.npz"))
    assert isinstance(of_npz, SequencesLook)
    assert (of_npz.sequences, of_npz.longest, of_npz.id) == (30, 7, None)
    for label in ("good", "bad"):
        (tmp_path / "films" / label).mkdir(parents=True)
        for n, text in enumerate(REVIEWS[:20]):
            (tmp_path / "films" / label / f"{n}.txt").write_text(text)
    of_folder = look(str(tmp_path / "films"))
    assert isinstance(of_folder, TextsLook)
    assert (of_folder.texts, of_folder.classes, of_folder.text) == (40, 2, None)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"when": HOURS[:40], "a": RNG.normal(size=40)}, "40 rows, but a series needs 50 or more"),
        ({"when": HOURS[::-1], "a": range(100)}, "line 3, column 'when': goes back in time"),
        ({"when": HOURS.floor("2h"), "a": range(100)}, "line 3, column 'when': repeats the time of the row before"),
        ({"when": ["", *HOURS[1:].astype(str)], "a": range(100)}, "line 2, column 'when': the time is missing"),
        ({"when": [*HOURS[1:].astype(str), "soon"], "a": range(100)}, "line 101, column 'when': 'soon' cannot be read"),
        ({"when": HOURS, "a": range(100)}, "holds 'when' (times), 'a' (the number of the row), which is none of"),
        ({"a": [1] * 60, "b": [2] * 60}, "every column of numbers is constant"),
        ({"name": [f"n{n}" for n in range(60)]}, "holds 'name' (text, 60 different) (cells are told apart by"),
        ({"review": REVIEWS, "mood": "good"}, "'mood' (text, 1 different), which is none of three forms"),
        ({"review": REVIEWS[:20], "mood": ["good", "bad"] * 10}, "20 texts, but 30 or more are needed"),
        (
            {"symbol": ["A", "B"] * 50, "date": HOURS.floor("2h"), "price": RNG.normal(size=100)},
            "2 series stand below each other, told apart by 'symbol', with nothing but 'price' to read; "
            "for csv_forecasting give each a column (pandas: frame.pivot(index='date'",
        ),
        (
            {
                "id": np.repeat(range(5), 10),
                "step": np.tile(range(10), 5),
                "x": RNG.normal(size=50),
                "label": ["a", "b"] * 25,
            },
            "5 sequences; at least 10 are needed",
        ),
    ],
)
def test_what_fits_nothing_is_one_line(seen: Make, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        seen(columns)
    assert message in str(error.value)
    assert "file.csv: " in str(error.value)


def test_a_cell_that_is_no_number_leaves_its_column_out(seen: Make) -> None:
    found = seen({"when": HOURS, "a": ["12;", *range(99)], "b": RNG.normal(size=100)})
    assert isinstance(found, SeriesLook)
    assert found.columns == ("b",)
    assert "left out: line 2, column 'a': '12;' is not a number" in found.notes
