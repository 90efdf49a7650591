from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rnnbench.datasets.own import splits
from rnnbench.datasets.own.times import Times
from rnnbench.errors import UserError

SETTING: TypeAdapter[Any] = TypeAdapter(splits.SplitSetting)
DAYS = Times(np.arange("2017-01-01", "2017-01-11", dtype="datetime64[D]").astype("datetime64[ns]"), "")


def where(row: int) -> str:
    return f"line {row + 2}"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([0.7, 0.1, 0.1], "the shares add up to 0.9, not to 1"),
        ([0.7, 0.3], "needs three shares"),
        ([1.0, 0.0, 0.0], "each share must be above 0"),
        ([70, 10, 20], "'70' is not a date"),
        (["2017-02-30", "2017-05-01"], "'2017-02-30' is not a date"),
        (["2017-05-01", "2017-01-01"], "must be in order"),
        ([0.7], "should be three shares"),
        ("", "should be three shares"),
        (0.7, "should be three shares"),
    ],
)
def test_settings_that_mean_nothing(wrong: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SETTING.validate_python(wrong, strict=True)


@pytest.mark.parametrize("given", [[0.7, 0.1, 0.2], ["2017-01-01", "2017-05-01"], "part", ["2017", "2018", "2019"]])
def test_a_setting_survives_json(given: Any) -> None:
    read = SETTING.validate_python(given, strict=True)
    assert SETTING.validate_json(SETTING.dump_json(read)) == read


@given(st.integers(30, 5000), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_shares_cut_all_rows_in_their_order(rows: int, train: float, test: float) -> None:
    total = train + test + 0.1
    setting = SETTING.validate_python([train / total, 0.1 / total, test / total])
    borders = splits.in_time(setting, rows, "f.csv", where)
    assert [*borders] == ["train", "validation", "test"]
    edges = [edge for pair in borders.values() for edge in pair]
    assert edges == sorted(edges)
    assert edges[0] == 0
    assert edges[-1] == rows
    assert edges[1:-1:2] == edges[2:-1:2]
    for split, share in zip(borders, setting, strict=True):
        first, last = borders[split]
        assert abs(last - first - rows * share) <= 2


def test_dates_are_the_first_days_of_validation_and_test() -> None:
    cut = splits.in_time(("2017-01-06", "2017-01-08"), 10, "f.csv", where, DAYS)
    assert cut == {"train": (0, 5), "validation": (5, 7), "test": (7, 10)}
    cut = splits.in_time(("2017-01-06", "2017-01-08", "2017-01-10"), 10, "f.csv", where, DAYS)
    assert cut["test"] == (7, 9)
    # An end behind the file asks for all of it.
    assert splits.in_time(("2017-01-06", "2017-01-08", "2018-01-01"), 10, "f.csv", where, DAYS)["test"] == (7, 10)


def test_a_column_names_the_splits() -> None:
    column = pd.Series(["train", "Training", " val ", "dev", "test"], dtype="str")
    cut = splits.in_time("part", 5, "f.csv", where, column=column)
    assert cut == {"train": (0, 2), "validation": (2, 4), "test": (4, 5)}
    found = splits.at_random("part", 5, "f.csv", where, column=column)
    assert {split: rows.tolist() for split, rows in found.items()} == {
        "train": [0, 1], "validation": [2, 3], "test": [4]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "more", "message"),
    [
        (
            ("2016-01-06", "2017-01-08"),
            {"times": DAYS},
            "split: 2016-01-06 is outside the file, which holds 2017-01-01",
        ),
        (("2017-01-01", "2017-01-08"), {"times": DAYS}, "leave no train rows"),
        (("2017-01-06", "2017-01-08"), {}, "set `time`"),
        (("2017-01-06", "2017-01-08"), {"times": Times(np.arange(10.0), "")}, "`time` holds numbers"),
        ((0.9, 0.05, 0.05), {}, r"the shares \[0.9, 0.05, 0.05\] of 10 rows leave no test rows"),
        (
            "part",
            {"column": pd.Series(["train"] * 9 + ["tets"])},
            r"line 11.*'tets' is not .* \(did you mean 'test'\?\)",
        ),
        ("part", {"column": pd.Series(["train", "test"] * 5)}, "line 4, column 'part': train rows follow test rows"),
        ("part", {"column": pd.Series(["train"] * 5 + ["test"] * 5)}, "column 'part' leave no validation rows"),
    ],
)
def test_splits_of_a_series_that_cannot_be(setting: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        splits.in_time(setting, 10, "f.csv", where, **more)


def test_a_random_split_of_no_series_by_dates_is_refused() -> None:
    with pytest.raises(UserError, match="a split by dates is for series"):
        splits.at_random(("2017-01-06", "2017-01-08"), 10, "f.csv", where)


@given(st.lists(st.sampled_from("abc"), min_size=20, max_size=300))
def test_a_random_split_holds_each_row_once_and_each_class_in_its_share(labels: list[str]) -> None:
    given = np.array(labels)
    found = splits.at_random((0.5, 0.25, 0.25), len(given), "f.csv", where, given)
    assert sorted(np.concatenate([*found.values()])) == list(range(len(given)))
    again = splits.at_random((0.5, 0.25, 0.25), len(given), "f.csv", where, given)
    for split, share in zip(found, (0.5, 0.25, 0.25), strict=True):
        assert np.array_equal(found[split], again[split])
        for label in set(labels):
            wanted = share * (given == label).sum()
            assert abs((given[found[split]] == label).sum() - wanted) <= 2.5


def test_rows_are_mixed() -> None:
    train = splits.at_random((0.5, 0.25, 0.25), 1000, "f.csv", where)["train"]
    assert 200 < (train < 500).sum() < 300
