"""The summary of hand-made tables (docs/science.md, check 12)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from rnnbench.analysis.comparisons import improvements
from rnnbench.analysis.horizon import horizons
from rnnbench.analysis.intervals import OF_BOTH, OF_SEEDS, RANGE, clopper_pearson
from rnnbench.analysis.summary import SUMMARY_COLUMNS, summary
from tests.analysis.tables import table


def test_summary_by_hand():
    runs = table(
        {"lag": 10, "score": 1.0, "skill": 1.0, "solved": True, "steps_to_solve": 300, "survival": 0.5, "clock": 0.9},
        {"lag": 10, "score": 0.5, "skill": 0.4, "solved": False, "survival": 0.1, "decay_per_step": 0.9},
        {"lag": 10, "score": 0.9, "skill": 0.8, "solved": False, "survival": 0.2, "decay_per_step": 0.8},
        {"lag": 10, "status": "failed"},
        {"lag": 5, "status": "failed", "source": None},
    )
    result = summary(runs)
    assert result["lag"].tolist() == [5, 10]
    only_failed, row = result.iloc[0], result.iloc[1]
    assert only_failed[["n", "n_solved", "n_failed"]].tolist() == [0, 0, 1]
    assert math.isnan(only_failed["success"])
    assert math.isnan(only_failed["score"])
    assert row[["n", "n_solved", "n_clock", "n_failed", "success"]].tolist() == [3, 1, 1, 1, 1 / 3]
    assert (row["success_low"], row["success_high"]) == clopper_pearson(1, 3)
    assert row[["score", "score_low", "score_high"]].tolist() == [pytest.approx(0.8), 0.5, 1.0]
    assert row[["skill", "skill_low", "skill_high"]].tolist() == [pytest.approx(2.2 / 3), 0.4, 1.0]
    assert row["band"] == RANGE
    assert row["survival"] == 0.2
    assert row["decay_per_step"] == pytest.approx(0.85, abs=1e-12)
    assert math.isnan(row["steps_to_solve"])


@pytest.mark.parametrize("bad", [None, math.nan, math.inf, -math.inf])
def test_a_run_without_a_score_leaves_no_mean_but_stays_in_the_count(bad):
    rows = [{"lag": 0, "score": score, "skill": score, "solved": score == 1.0} for score in (0.2, 1.0, bad)]
    (row,) = summary(table(*rows)).to_dict("records")
    assert (row["n"], row["n_solved"], row["band"]) == (3, 1, "")
    assert all(math.isnan(row[name]) for name in ("score", "score_low", "skill", "skill_high"))
    pairs = improvements(pd.concat([table(*rows), table(*rows).assign(model="gru", skill=0.0)]))
    assert pairs["probability"].tolist() == [pytest.approx(2 / 3), pytest.approx(1 / 3)]


def test_one_seed_has_a_mean_and_no_band():
    (row,) = summary(table({"lag": 0, "score": 0.5, "skill": 0.0})).to_dict("records")
    assert (row["score"], row["band"]) == (0.5, "")
    assert math.isnan(row["score_low"])


def test_ten_seeds_and_their_test_examples_make_one_interval():
    rng = np.random.default_rng(3)
    examples = {f"s{seed}": (rng.random(200) < 0.7).astype(float) for seed in range(10)}
    levels = {"lag": 5, "memoryless": 0.5, "reference": 1.0}
    rows = [{**levels, "score": one.mean(), "skill": 2 * one.mean() - 1} for one in examples.values()]
    (row,) = summary(table(*rows), examples).to_dict("records")
    assert row["band"] == OF_BOTH
    assert row["skill_low"] == pytest.approx(2 * row["score_low"] - 1)
    assert row["skill_high"] == pytest.approx(2 * row["score_high"] - 1)
    (alone,) = summary(table(*rows)).to_dict("records")
    assert alone["band"] == OF_SEEDS
    assert row["score_high"] - row["score_low"] > alone["score_high"] - alone["score_low"]


def test_no_run_gives_empty_tables():
    empty = summary(table())
    assert empty.empty
    assert list(empty.columns) == SUMMARY_COLUMNS
    assert horizons(empty).empty


def test_a_skipped_run_is_in_no_number_but_its_own():
    ended = [{"lag": 5, "score": 1.0, "skill": 1.0, "solved": True}] * 3 + [{"lag": 5, "score": 0.0, "skill": 0.0}]
    skips = [{"lag": 5, "status": "skipped"}, {"lag": 9, "status": "skipped"}]
    (with_skips,) = summary(table(*ended, *skips)).to_dict("records")
    (without,) = summary(table(*ended)).to_dict("records")
    assert (with_skips.pop("n_skipped"), without.pop("n_skipped")) == (1, 0)
    assert str(with_skips) == str(without)
    assert summary(table(*skips)).empty
