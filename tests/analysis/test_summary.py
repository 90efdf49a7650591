"""The summary of hand-made tables (docs/science.md, check 12)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from rnnbench.analysis.comparisons import improvements
from rnnbench.analysis.horizon import horizons
from rnnbench.analysis.intervals import wilson
from rnnbench.analysis.solved import with_relative_solved
from rnnbench.analysis.summary import SUMMARY_COLUMNS, summary
from tests.analysis.tables import table


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


def test_no_run_gives_empty_tables():
    empty = summary(with_relative_solved(table()))
    assert empty.empty
    assert list(empty.columns) == SUMMARY_COLUMNS
    assert horizons(empty).empty


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


def test_a_skipped_run_is_in_no_number_but_its_own():
    ended = [{"lag": 5, "score": 1.0, "skill": 1.0, "solved": True}] * 3 + [{"lag": 5, "score": 0.0, "skill": 0.0}]
    skips = [{"lag": 5, "status": "skipped"}, {"lag": 9, "status": "skipped"}]
    (with_skips,) = summary(table(*ended, *skips)).to_dict("records")
    (without,) = summary(table(*ended)).to_dict("records")
    assert (with_skips.pop("n_skipped"), without.pop("n_skipped")) == (1, 0)
    assert str(with_skips) == str(without)
    assert summary(table(*skips)).empty
