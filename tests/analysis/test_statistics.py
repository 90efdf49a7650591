"""Hand-made tables and closed forms (docs/science.md, check 12)."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis import statistics
from rnnbench.analysis.results import COLUMNS
from rnnbench.analysis.statistics import (
    Horizon,
    association,
    horizons,
    improvements,
    iqm,
    iqm_interval,
    median_steps_to_solve,
    memory_horizon,
    overall,
    probability_of_improvement,
    solving,
    summary,
    unsolved,
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


def test_stratified_resamples_keep_the_size_of_each_stratum():
    # Of 0 1 | 10 10 the resamples are 0 0, 0 1, 1 0 and 1 1, each beside 10 10: IQM 5, 5.5, 5.5, 5.5.
    assert iqm_interval([0.0, 1.0], [10.0, 10.0]) == pytest.approx((5.0, 5.5), abs=1e-12)
    # One value cannot be resampled: it stays. The IQM of three values is their mean.
    assert iqm_interval([0.0, 1.0], [7.0]) == pytest.approx((7 / 3, 3.0), abs=1e-12)
    values = list(np.random.default_rng(0).normal(size=20))
    assert iqm_interval(values, []) == iqm_interval(values)


@pytest.mark.parametrize("strata", [([1.0, 1.0], [2.0, 2.0]), ([1.0], [2.0]), ([0.0, 1.0], [math.inf]), ()])
def test_no_stratified_interval_where_resampling_says_nothing(strata):
    assert iqm_interval(*strata) is None


def test_kaplan_meier_by_hand():
    """Solved at 100, 300 and 300; given up at 200 and 500; one diverged, which can never solve."""
    curve = unsolved([100, None, 300, 300.0, None, math.nan], [500, 200, 500, 500, 500, math.inf]).set_index("step")
    shares = [5 / 6, 5 / 6 * 2 / 4]
    assert curve.loc[[100, 300], "share"].tolist() == pytest.approx(shares, abs=1e-12)
    assert curve.loc[200, "share"] == curve.loc[100, "share"]
    assert curve["share"].iloc[-1] == curve.loc[300, "share"]
    # Greenwood's variance of log(-log S) after step 300, where 6 and then 4 runs were at risk.
    share, z = shares[-1], 1.959963984540054
    sigma = math.sqrt(1 / (6 * 5) + 2 / (4 * 2)) / abs(math.log(share))
    ends = [share ** math.exp(side * z * sigma) for side in (1, -1)]
    assert curve.loc[300, ["low", "high"]].tolist() == pytest.approx(ends, abs=1e-12)


def test_budgets_of_different_length_move_the_median():
    # One of four solved at 100; two gave up before anyone else solved: of the two left one solves at 300.
    steps, budgets = [100, None, None, 300], [500, 150, 150, 500]
    assert median_steps_to_solve(steps, budgets) == 300
    assert unsolved(steps, budgets)["share"].tolist() == pytest.approx([3 / 4, 3 / 4, 0.0], abs=1e-12)
    assert median_steps_to_solve([100, None, None, None], budgets) is None


@given(st.lists(st.integers(1, 9) | st.none(), min_size=1, max_size=12))
def test_with_one_budget_the_median_is_that_of_the_ordered_steps(steps):
    ordered = sorted(math.inf if step is None else step for step in steps)
    middle = ordered[math.ceil(len(ordered) / 2) - 1]
    assert median_steps_to_solve(steps, [10.0] * len(steps)) == (None if middle == math.inf else middle)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_probability_of_improvement_is_a_share_of_pairs(pairs):
    a, b = zip(*pairs, strict=True)
    probability, low, high = probability_of_improvement(a, b)
    assert probability == pytest.approx(np.mean([(x > y) + 0.5 * (x == y) for x, y in pairs]), abs=1e-12)
    back, low_back, high_back = probability_of_improvement(b, a)
    assert (back, low_back, high_back) == pytest.approx((1 - probability, 1 - high, 1 - low), abs=1e-12)
    if all(x != y for x, y in pairs):
        wins = sum(x > y for x, y in pairs)
        assert (low, high) == pytest.approx(wilson(wins, len(pairs)), abs=1e-12)


def test_no_pair_gives_no_probability():
    assert probability_of_improvement([], []) is None


def paired() -> pd.DataFrame:
    """Two lines at the lags 5 and 10, one of them also at 20, with a seed that only one line ran and a divergence."""
    lstm = [(5, 0, 0.8), (5, 1, 0.9), (10, 0, 0.1), (10, 1, 0.2), (20, 0, 0.0)]
    gru = [(5, 0, 0.9), (5, 1, 0.9), (5, 2, 0.7), (10, 0, 0.0), (10, 1, None)]
    rows = [
        {
            "model": model,
            "lag": lag,
            "seed": seed,
            "skill": skill,
            "status": "diverged" if skill is None else "finished",
        }
        for model, points in (("lstm", lstm), ("gru", gru))
        for lag, seed, skill in points
    ]
    return table(*rows)


def test_overall_takes_the_lags_that_all_lines_met():
    result = overall(paired()).set_index("model")
    assert result.loc["lstm", ["lags", "n"]].tolist() == [2, 4]
    assert result.loc["lstm", "skill"] == pytest.approx((0.2 + 0.8) / 2, abs=1e-12)
    expected = iqm_interval([0.8, 0.9], [0.1, 0.2])
    assert tuple(result.loc["lstm", ["skill_low", "skill_high"]]) == expected
    # Five runs, one cut off at each end: the diverged one, which ranks last, and one of the two best.
    assert result.loc["gru", "n"] == 5
    assert result.loc["gru", "skill"] == pytest.approx((0.0 + 0.7 + 0.9) / 3, abs=1e-12)
    assert math.isnan(result.loc["gru", "skill_low"])


def test_improvements_pair_by_lag_and_seed():
    result = improvements(paired()).set_index(["model", "other"])
    # 0.8 < 0.9, 0.9 = 0.9, 0.1 > 0.0, 0.2 > diverged.
    assert result.loc[("lstm", "gru"), ["n", "probability"]].tolist() == [4, 2.5 / 4]
    assert result.loc[("gru", "lstm"), "probability"] == 1.5 / 4
    assert len(result) == 2


def test_a_single_line_is_compared_with_none():
    runs = table({"lag": 5, "skill": 0.5})
    assert improvements(runs).empty
    assert overall(runs)["skill"].tolist() == [0.5]
    assert overall(table()).empty


def test_solving_is_one_minus_kaplan_meier():
    curve = solving(
        table(
            {"lag": 5, "steps": 100, "steps_to_solve": 40.0},
            {"lag": 5, "steps": 60, "steps_to_solve": None},
            {"lag": 5, "steps": 100, "steps_to_solve": 80.0},
            {"lag": 5, "status": "failed"},
        )
    )
    # One of three by 40; the censored run leaves; then the one that is left.
    assert curve[["step", "share"]].to_numpy().tolist() == [
        [40, pytest.approx(1 / 3)], [60, pytest.approx(1 / 3)], [80, pytest.approx(1)]
    ]  # fmt: skip
    assert set(curve["n"]) == {3}
    first = curve.iloc[0]
    assert 0 < first["low"] < 1 / 3 < first["high"] < 1


def test_a_diverged_run_never_solves_its_task():
    rows = [{"lag": 5, "steps": 50, "steps_to_solve": None, "status": "diverged"}, {"steps_to_solve": 80.0, "lag": 5}]
    curve = solving(table(*rows).assign(steps=100))
    assert curve.loc[curve["step"] == 80, "share"].tolist() == [0.5]


def test_association_within_strata_by_hand():
    lag = pd.Series([5, 5, 5, 50, 50, 50, 50])
    survival = pd.Series([0.9, 0.8, 0.7, 0.1, 0.2, 0.3, math.nan])
    skill = pd.Series([0.9, 0.8, 1.0, 0.1, 0.0, 0.2, 0.3])
    found = association(survival, skill, lag)
    # Ranks 6 5 4 1 2 3 and 5 4 6 2 1 3: sum of d^2 is 1 + 1 + 4 + 1 + 1 + 0.
    assert found.n == 6
    assert found.rho == pytest.approx(1 - 6 * 8 / (6 * 35))
    # Within the lags: ranks 1 0 -1 and 0 -1 1; -1 0 1 and 0 -1 1.
    assert found.within == pytest.approx((0 + 0 - 1 + 0 + 0 + 1) / 4)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [1.0, 1.0, 1.0]])
def test_no_association_can_be_told(values):
    first = pd.Series(values, dtype=float)
    found = association(first, pd.Series(range(len(values)), dtype=float), pd.Series([5] * len(values), dtype=int))
    assert (found.n, math.isnan(found.rho), math.isnan(found.within)) == (len(values), True, True)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["accuracy", "mse"])
def test_a_score_that_is_no_number_ranks_below_all_others(bad, name):
    rises = name == "accuracy"
    scores = [0.2, 0.3, 0.4, bad, 0.5]
    rows = [{"lag": 0, "score_name": name, "higher_is_better": rises, "score": score,
             "skill": bad if score is bad else score} for score in scores]  # fmt: skip
    (row,) = summary(table(*rows)).to_dict("records")
    # The worst is trimmed away, and with it the best.
    assert row["score"] == pytest.approx(np.mean([0.2, 0.3, 0.4]) if rises else np.mean([0.3, 0.4, 0.5]))
    assert row["skill"] == pytest.approx(np.mean([0.2, 0.3, 0.4]))
    assert math.isnan(row["score_low"])
    pairs = improvements(pd.concat([table(*rows), table(*rows).assign(model="gru", skill=0.0)]))
    assert pairs["probability"].tolist() == [pytest.approx(0.8), pytest.approx(0.2)]


def test_a_score_that_is_no_number_keeps_no_skill():
    runs = table({"lag": 0, "skill": 0.9}, {"lag": 5, "skill": math.inf}, {"lag": 5, "skill": math.nan},
                 {"lag": 5, "skill": 0.85})  # fmt: skip
    assert with_relative_solved(runs)["solved"].tolist() == [True, False, False, True]
    unreal = table({"lag": 0, "skill": math.inf}, {"lag": 5, "skill": 0.9})
    assert with_relative_solved(unreal)["solved"].tolist() == [False, False]


def test_nan_among_values():
    assert iqm([1.0, 2.0, 3.0, math.nan]) is None
    assert probability_of_improvement([math.nan, 1.0, math.nan], [0.0, math.nan, math.nan])[0] == 0.5
    assert median_steps_to_solve([10, math.inf, math.nan], [20, 20, math.nan]) is None
    pair = pd.Series([1.0, 2.0, 3.0, math.inf]), pd.Series([1.0, 2.0, 3.0, -5.0])
    assert association(*pair, pd.Series([0, 0, 0, 0])).rho == pytest.approx(1)


def test_the_direction_of_a_task_comes_from_its_declaration():
    rows = table({"score_name": "f1", "score": 0.5, "skill": 0.5, "higher_is_better": True})
    assert statistics.higher_is_better(rows)
    assert not statistics.higher_is_better(rows.assign(higher_is_better=False))
    assert statistics.higher_is_better(rows.drop(columns="higher_is_better"))
    assert not statistics.higher_is_better(rows.drop(columns="higher_is_better").assign(score_name="mse"))
