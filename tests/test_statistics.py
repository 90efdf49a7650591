"""Hand-made tables and closed forms (SCIENCE.md, check 12)."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench import statistics
from rnnbench.results import COLUMNS
from rnnbench.statistics import (
    Horizon,
    horizons,
    iqm,
    iqm_interval,
    median_steps_to_solve,
    memory_horizon,
    summary,
    wilson,
    with_relative_solved,
)

finite = st.floats(-1e6, 1e6)


def table(*rows: dict) -> pd.DataFrame:
    """Runs of one line, `rows` saying what differs from a finished copy-memory run."""
    usual = {"task": "copy_memory", "task_setting": "", "source": "generated", "model": "lstm", "model_setting": "",
             "filler": "blank", "status": "finished", "score_name": "accuracy"}  # fmt: skip
    return pd.DataFrame([usual | {"seed": seed} | row for seed, row in enumerate(rows)], columns=COLUMNS)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_wilson_is_the_closed_form(n):
    z = 1.959963984540054
    for solved in range(n + 1):
        p = solved / n
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        assert wilson(solved, n) == pytest.approx((max(0, centre - half), min(1, centre + half)), abs=1e-12)


def test_wilson_of_no_run_is_no_interval():
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([3.0], 3.0),
        ([1.0, 2.0, 6.0], 3.0),
        ([100.0, 1.0, 2.0, -100.0], 1.5),
        ([9.0, 1.0, 2.0, 3.0, -7.0], 2.0),
        ([0, 0, 1, 2, 3, 4, 90, 90], 2.5),
        ([-math.inf, 0.1, 0.2, 0.3], (0.1 + 0.2) / 2),
        ([-math.inf, -math.inf, 0.2, 0.3], None),
    ],
)
def test_iqm_by_hand(values, expected):
    assert iqm(values) == (None if expected is None else pytest.approx(expected, abs=1e-12))


@given(st.lists(finite, min_size=1, max_size=30))
def test_iqm_is_the_mean_of_the_middle(values):
    cut = len(values) // 4
    middle = sorted(values)[cut : len(values) - cut]
    assert iqm(values) == pytest.approx(math.fsum(middle) / len(middle), rel=1e-9, abs=1e-9)


def test_interval_is_the_percentile_of_all_resamples():
    # Of two values there are four resamples, with IQM 0, 1/2, 1/2 and 1: the 2.5% and 97.5% points are the two values.
    assert iqm_interval([0.0, 1.0]) == (0.0, 1.0)
    # Of three, 27 resamples; the extreme means (0 and 3) have probability 1/27 > 2.5% each.
    means = [sum(drawn) / 3 for drawn in product([0.0, 1.0, 3.0], repeat=3)]
    assert iqm_interval([0.0, 1.0, 3.0]) == pytest.approx((min(means), max(means)), abs=1e-12)


def test_interval_has_a_seed():
    values = list(np.random.default_rng(0).normal(size=20))
    assert iqm_interval(values) == iqm_interval(values)
    assert iqm_interval(values, seed=1) != iqm_interval(values)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5, 0.5], [0.1, -math.inf, 0.3]])
def test_no_interval_where_resampling_says_nothing(values):
    assert iqm_interval(values) is None


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], None),
        ([200.0], 200.0),
        ([None], None),
        ([400.0, 200.0, 300.0], 300.0),
        ([400.0, None, 300.0, math.nan], 400.0),
        ([400.0, None, None], None),
        ([0.0, None], 0.0),
    ],
)
def test_median_steps_to_solve_is_censored(steps, expected):
    assert median_steps_to_solve(steps) == expected


@pytest.mark.parametrize(
    ("success", "expected", "text"),
    [
        ({5: 1.0, 10: 0.6, 20: 0.4}, Horizon(10), "10"),
        ({20: 0.4, 10: 0.5, 5: 1.0}, Horizon(10), "10"),
        ({5: 1.0, 10: 1.0}, Horizon(10, beyond=True), ">= 10"),
        ({0: 1.0}, Horizon(0, beyond=True), ">= 0"),
        ({5: 0.4, 10: 1.0}, Horizon(None, again=(10,)), "-"),
        ({5: 1.0, 10: 0.2, 20: 1.0, 50: 0.0}, Horizon(5, again=(20,)), "5"),
        ({5: 1.0, 10: None, 20: 1.0}, Horizon(5, unknown=10, again=(20,)), "5"),
        ({5: math.nan, 10: 1.0}, Horizon(None, unknown=5, again=(10,)), "?"),
        ({}, Horizon(None), "-"),
    ],
)
def test_horizon_by_hand(success, expected, text):
    assert memory_horizon(success) == expected
    assert str(memory_horizon(success)) == text


@given(st.dictionaries(st.integers(0, 500), st.none() | st.floats(0, 1), min_size=1))
def test_horizon_keeps_its_definition(success):
    horizon = memory_horizon(success)
    lags = sorted(success)
    passing = [lag for lag in lags if success[lag] is not None and success[lag] >= 0.5]
    prefix = [lag for i, lag in enumerate(lags) if lags[: i + 1] == passing[: i + 1]]
    assert horizon.lag == (prefix[-1] if prefix else None)
    assert horizon.beyond == (prefix == lags)
    assert list(horizon.again) == passing[len(prefix) :]
    if horizon.unknown is not None:
        assert horizon.unknown == lags[len(prefix)]
        assert success[horizon.unknown] is None


def test_relative_solved_is_nine_tenths_of_the_median_at_lag_0():
    runs = table(
        *({"task": "sentiment", "lag": 0, "skill": skill} for skill in (0.5, 0.6, 0.1)),
        {"task": "sentiment", "lag": 50, "skill": 0.45},
        {"task": "sentiment", "lag": 50, "skill": 0.4499},
        {"task": "sentiment", "lag": 50, "status": "diverged"},
        {"task": "sentiment", "lag": 50, "status": "failed"},
    )
    solved = with_relative_solved(runs)["solved"]
    assert solved[:6].tolist() == [True, True, False, True, False, False]
    assert solved.isna().tolist() == [False] * 6 + [True]
    assert runs["solved"].isna().all()


def test_relative_solved_needs_a_positive_skill_at_lag_0():
    nothing_learned = table({"lag": 0, "skill": -0.2}, {"lag": 10, "skill": 0.0})
    assert with_relative_solved(nothing_learned)["solved"].tolist() == [False, False]
    diverged_at_0 = table({"lag": 0, "status": "diverged"}, {"lag": 10, "skill": 0.5})
    assert with_relative_solved(diverged_at_0)["solved"].tolist() == [False, False]


@pytest.mark.parametrize("at_zero", [[], [{"lag": 0, "status": "failed"}]])
def test_relative_solved_is_missing_without_lag_0(at_zero):
    runs = with_relative_solved(table({"lag": 10, "skill": 0.9}, {"lag": 10, "status": "diverged"}, *at_zero))
    assert runs["solved"].isna().tolist() == [True, False] + [True] * len(at_zero)
    assert not runs["solved"][1]
    row = summary(runs).query("lag == 10").iloc[0]
    assert row["n"] == 2
    assert math.isnan(row["n_solved"])
    assert math.isnan(row["success"])


def test_relative_solved_keeps_groups_apart_and_fixed_rules_alone():
    runs = table(
        {"model": "gru", "lag": 0, "skill": 0.2},
        {"model": "gru", "lag": 10, "skill": 0.19},
        {"model": "lstm", "lag": 0, "skill": 0.9},
        {"model": "lstm", "lag": 10, "skill": 0.19},
        {"model": "lstm", "filler": "distractor", "lag": 10, "skill": 0.9},
        {"task": "adding", "lag": 0, "skill": 0.9, "solved": False},
    )
    solved = with_relative_solved(runs)["solved"]
    assert solved.drop(4).tolist() == [True, True, True, False, False]
    assert solved.isna()[4]


def test_summary_by_hand():
    runs = table(
        {"lag": 10, "score": 1.0, "skill": 1.0, "solved": True, "steps_to_solve": 300, "survival": 0.5},
        {"lag": 10, "score": 0.5, "skill": 0.4, "solved": False, "survival": 0.1, "decay_per_step": 0.9},
        {"lag": 10, "score": 0.9, "skill": 0.8, "solved": False, "survival": 0.2, "decay_per_step": 0.8},
        {"lag": 10, "status": "diverged", "steps": 30},
        {"lag": 10, "status": "failed"},
        {"lag": 5, "status": "failed", "source": None},
    )
    result = summary(runs)
    assert result["lag"].tolist() == [5, 10]
    only_failed, row = result.iloc[0], result.iloc[1]
    assert only_failed[["n", "n_solved", "n_failed"]].tolist()[::2] == [0, 1]
    assert math.isnan(only_failed["success"])
    assert math.isnan(only_failed["score"])
    assert row[["n", "n_solved", "n_diverged", "n_failed", "success"]].tolist() == [4, 1, 1, 1, 0.25]
    assert (row["success_low"], row["success_high"]) == wilson(1, 4)
    # Four outcomes, one trimmed at each end: the best, and the diverged one, which ranks last.
    assert row["score"] == pytest.approx(0.7, abs=1e-12)
    assert row["skill"] == pytest.approx(0.6, abs=1e-12)
    assert math.isnan(row["score_low"])
    assert row["survival"] == 0.2
    assert row["decay_per_step"] == pytest.approx(0.85, abs=1e-12)
    assert math.isnan(row["steps_to_solve"])


def test_a_diverged_error_score_ranks_last_too():
    runs = table(
        *({"score_name": "mse", "lag": 0, "score": mse, "skill": 1 - mse} for mse in (0.1, 0.2, 0.6)),
        {"score_name": "mse", "lag": 0, "status": "diverged"},
    )
    assert summary(runs)["score"][0] == pytest.approx(0.4, abs=1e-12)


def test_horizons_use_the_grid_of_all_models():
    runs = table(
        *({"model": "gru", "lag": lag, "score": 1.0, "skill": 1.0, "solved": True} for lag in (5, 5, 10, 20)),
        *({"model": "lstm", "lag": lag, "score": 1.0, "skill": 1.0, "solved": True} for lag in (5, 20)),
    )
    result = horizons(summary(runs)).set_index("model")
    assert result.loc["gru", "horizon"] == Horizon(20, beyond=True)
    assert result.loc["gru", ["n_low", "n_high"]].tolist() == [1, 2]
    assert result.loc["lstm", "horizon"] == Horizon(5, unknown=10, again=(20,))
    assert not result.loc["lstm", "unjudged"]


def test_no_run_gives_empty_tables():
    empty = summary(with_relative_solved(table()))
    assert empty.empty
    assert list(empty.columns) == statistics.SUMMARY_COLUMNS
    assert horizons(empty).empty
