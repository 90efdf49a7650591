"""From histories to lag curves, and over seeds."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from rnnbench.analysis.lag_curves import LAG_CURVE_COLUMNS, lag_curves, mean_curves
from tests.analysis.tables import table

RUNS = table(
    {"lag": 50, "score": 1.0}, {"lag": 50, "score": 0.5}, {"lag": 50, "status": "failed"},
    {"lag": 50, "status": "diverged"},
)  # fmt: skip


def history(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["signature", "step", "metric", "value"])


HISTORY = history(
    ("s0", 50, "lag_curve/accuracy", 1.0), ("s0", 49, "lag_curve/accuracy", 0.1), ("s0", 50, "lag_curve/skill", 1.0),
    ("s0", 49, "lag_curve/skill", -0.1), ("s0", 50, "lag_curve/solved", 1.0), ("s0", 49, "lag_curve/solved", 0.0),
    ("s0", 50, "lag_curve/standard_error", 0.0), ("s0", 49, "lag_curve/standard_error", 0.03),
    ("s1", 50, "lag_curve/accuracy", 0.5), ("s1", 49, "lag_curve/accuracy", math.nan),
    ("s2", 50, "lag_curve/accuracy", 0.7), ("s0", 100, "validation/accuracy", 0.9),
)  # fmt: skip


def test_a_row_for_each_run_and_test_lag():
    found = lag_curves(RUNS, HISTORY)
    assert list(found.columns) == LAG_CURVE_COLUMNS
    rows = found[["signature", "lag", "test_lag", "score", "skill", "test_se"]].itertuples(index=False, name=None)
    assert [row[:4] for row in rows] == [("s0", 50, 49, 0.1), ("s0", 50, 50, 1.0), ("s1", 50, 50, 0.5)]
    assert found["solved"].tolist()[:2] == [False, True]
    assert found["solved"].isna().tolist() == [False, False, True]
    assert found["test_se"].tolist()[:2] == [0.03, 0.0]


def test_a_run_under_two_labels_has_its_curve_under_both():
    both = pd.concat([RUNS, RUNS.assign(filler="distractor")], ignore_index=True)
    assert lag_curves(both, HISTORY).groupby("filler", sort=False).size().to_dict() == {"blank": 3, "distractor": 3}


def test_without_curves_the_columns_stay():
    assert list(lag_curves(RUNS, HISTORY.iloc[:0]).columns) == LAG_CURVE_COLUMNS
    assert mean_curves(RUNS, lag_curves(RUNS, HISTORY.iloc[:0])).empty


def test_over_seeds_a_curve_has_a_mean_and_their_range():
    found = mean_curves(RUNS, lag_curves(RUNS, HISTORY)).set_index("test_lag")
    assert found.loc[50, ["n", "n_solved", "score", "score_low", "score_high"]].tolist() == [2, 1, 0.75, 0.5, 1.0]
    assert found.loc[49, ["n", "score"]].tolist() == [1, 0.1]
    assert found.loc[50, "skill"] != pytest.approx(1.0)
