"""Steps of a series in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.datasets.own.looks.clock import clock_of


@pytest.mark.parametrize(
    ("freq", "step", "season", "words"),
    [
        ("s", "1 second", 60, "1 minute"),
        ("10s", "10 seconds", 6, "1 minute"),
        ("min", "1 minute", 60, "1 hour"),
        ("5min", "5 minutes", 12, "1 hour"),
        ("10min", "10 minutes", 144, "1 day"),
        ("15min", "15 minutes", 96, "1 day"),
        ("h", "1 hour", 24, "1 day"),
        ("6h", "6 hours", 28, "1 week"),
        ("D", "1 day", 7, "1 week"),
        ("B", "1 workday", 5, "1 week"),
        ("7D", "1 week", 52, "1 year"),
        ("MS", "1 month", 12, "1 year"),
        ("ME", "1 month", 12, "1 year"),
        ("QS", "1 quarter", 4, "1 year"),
    ],
)
def test_seasons(freq: str, step: str, season: int, words: str) -> None:
    clock = clock_of(pd.date_range("2020-01-06", periods=60, freq=freq).to_numpy())
    assert (clock.step, clock.season, clock.words(season), clock.irregular) == (step, season, words, 0)
    assert clock.words(3 * season) == f"3 {words.removeprefix('1 ')}s"


def test_years_have_no_season() -> None:
    clock = clock_of(pd.date_range("1700-01-01", periods=60, freq="YS").to_numpy())
    assert (clock.step, clock.season, clock.words(10), clock.first) == ("1 year", None, "10 years", "1700-01-01")


def test_steps_that_differ_are_counted() -> None:
    times = pd.date_range("2020-01-01", periods=60, freq="h").delete([10, 11, 30])
    clock = clock_of(times.to_numpy())
    assert (clock.irregular, clock.is_regular, clock.season) == (2, True, 24)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.integers(1, 500))
def test_any_times_have_words(gaps: list[int], steps: int) -> None:
    times = np.datetime64("2000-01-01", "ns") + np.cumsum([0, *gaps]) * np.timedelta64(1, "s")
    clock = clock_of(times)
    assert clock.season is None or 4 <= clock.season <= 150
    number, unit = clock.words(steps).split()
    assert float(number) > 0
    assert unit.endswith("s") == (number != "1")
