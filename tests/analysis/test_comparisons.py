"""Models against each other, on tables small enough to follow by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from rnnbench.analysis.comparisons import improvements, overall
from rnnbench.analysis.intervals import iqm_interval
from tests.analysis.tables import table


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
