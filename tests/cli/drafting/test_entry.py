"""Windows, lags and batches that fit the file."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.cli.drafting.entry import entry_of
from rnnbench.datasets.own.looks import SeriesLook, TextsLook
from rnnbench.datasets.own.looks.clock import clock_of


def series(rows: int, freq: str | None) -> SeriesLook:
    clock = clock_of(pd.date_range("2020-01-06", periods=60, freq=freq).to_numpy()) if freq else None
    return SeriesLook(
        path="a.csv", why="", rows=rows, time="t" if freq else None, clock=clock, columns=("a", "b"), target="b",
        target_why="", missing=0, split=None, split_rows=None,
    )  # fmt: skip


@given(st.integers(50, 10**7), st.sampled_from([None, "min", "10min", "h", "D", "B", "7D", "MS", "QS", "YS"]))
def test_windows_fit_every_split(rows: int, freq: str | None) -> None:
    entry = entry_of(series(rows, freq), "a.csv", "a.csv")
    held = {setting.key: setting.value for setting in entry.settings}
    train, validation, test = (int(rows * share + 1e-9) for share in held["split"])
    assert held["horizon"] <= min(validation, test)
    assert entry.batch_size <= entry.examples <= train - held["look_back"] - held["horizon"] + 1
    assert abs(sum(held["split"]) - 1) < 1e-6
    assert held.get("season", 1) <= held["look_back"]
    assert entry.lags[0] == 0
    assert list(entry.lags) == sorted(set(entry.lags))
    assert 2 <= len(entry.lags) <= 3
    assert entry.lags[-1] <= 400


def test_days_of_hours() -> None:
    entry = entry_of(series(10_000, "h"), "a.csv", "a.csv")
    held = {setting.key: setting.value for setting in entry.settings}
    assert (held["look_back"], held["horizon"], entry.lags) == (96, 24, (0, 24, 96))
    assert "24 steps = 1 day" in entry.seen
    assert "window of 4 days" in entry.question
    assert "none, 1 day, 4 days" in entry.lag_reason


def test_large_files_hold_out_fewer() -> None:
    held = {setting.key: setting.value for setting in entry_of(series(10**6, "min"), "a", "a").settings}
    assert held["split"] == [0.985, 0.005, 0.01]


@given(st.integers(1, 3000))
def test_texts_are_cut_where_they_are_long(length: int) -> None:
    found = TextsLook(
        path="a", why="", texts=500, text="t", label="l", label_why="", classes=2, missing=0, tokens="words",
        length=length, split=None,
    )  # fmt: skip
    entry = entry_of(found, "a", "a")
    held = {setting.key: setting.value for setting in entry.settings}
    assert min(length, 100) <= held["length"] <= 100
    assert entry.evidence == held["length"]
    assert entry.lags == (0, max(50, held["length"]) // 5, max(50, held["length"]))
