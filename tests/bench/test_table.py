"""Ratios, means and joins of what was measured."""

import math

import numpy as np
import pandas as pd
import pytest

from rnnbench.bench.problem import Problem
from rnnbench.bench.table import PROBLEM, frame, geometric_mean, joined, ordered, ratio, row, standing
from rnnbench.bench.timing import Entrant

PROBLEM_32 = Problem("lstm", 32, 500, 128)


def steps(**times):
    """Rows of one problem: the milliseconds a step of each peer, ours 100; None is not measured."""
    return frame(
        {"cores": 1, **PROBLEM_32.as_dict(), "peer": peer}
        | (
            {"status": "not installed"}
            if time is None
            else {"status": "measured", "step_ms": time, "times_ours": time / 100}
        )
        for peer, time in times.items()
    )


def test_a_ratio_is_the_median_over_the_rounds_that_both_have():
    assert ratio({0: 4.0, 1: 9.0, 5: 2.0}, {0: 2.0, 1: 3.0, 2: 1.0, 5: 2.0}) == 2.0
    assert math.isnan(ratio({0: 1.0}, {1: 1.0}))


def test_a_row_has_median_spread_and_ratio():
    ours = Entrant(None, PROBLEM_32, steps=2, rounds={0: 0.1, 1: 0.1, 2: 0.1})
    peer = Entrant(None, PROBLEM_32, first=4.0, steps=5, rounds={0: 0.1, 1: 0.2, 2: 0.3})
    found = row(2, "torch", peer, ours)
    assert found | {"low_ms": 0, "high_ms": 0} == {
        "cores": 2, "cell": "lstm", "batch": 32, "length": 500, "units": 128, "shards": 1,
        "buffer": None, "peer": "torch", "status": "measured",
        "step_ms": 200.0, "low_ms": 0, "high_ms": 0, "times_ours": 2.0, "rounds": 3, "steps": 15,
        "first_step_seconds": 4.0,
    }  # fmt: skip
    assert (found["low_ms"], found["high_ms"]) == pytest.approx((120.0, 280.0))
    failed = row(2, "torch", Entrant(None, PROBLEM_32, failure="over 120 s"), ours)
    assert failed["status"] == "over 120 s"
    assert "step_ms" not in failed


def test_the_standing_names_the_fastest_peer_and_takes_stock_at_its_best():
    found = standing(steps(rnnbench=100.0, keras=500.0, keras_no_jit=240.0, keras_jax=180.0, torch=None, floor=50.0))
    assert found.step_ms == 100.0
    assert found.fastest == "keras_jax"
    assert (found.over_fastest, found.over_stock, found.to_floor) == pytest.approx((1.8, 2.4, 2.0))


def test_the_standing_of_what_was_not_measured_is_no_number():
    found = standing(steps(rnnbench=100.0, torch=None))
    assert found.fastest == ""
    assert np.isnan([found.over_fastest, found.over_stock, found.to_floor]).all()
    found = standing(steps(rnnbench=100.0, torch=150.0))
    assert (found.fastest, found.over_fastest) == ("torch", 1.5)
    assert math.isnan(found.over_stock)


def test_the_geometric_mean_is_of_numbers_only():
    assert geometric_mean([2.0, 8.0, math.nan]) == pytest.approx(4.0)
    assert math.isnan(geometric_mean([]))


def test_what_is_measured_again_replaces_its_row_with_all_peers():
    old = pd.concat([steps(rnnbench=100.0, torch=150.0), steps(rnnbench=7.0).assign(units=64)])
    new = steps(rnnbench=90.0)
    found = joined(old, new, PROBLEM)
    assert found[["units", "peer", "step_ms"]].to_numpy().tolist() == [[64, "rnnbench", 7.0], [128, "rnnbench", 90.0]]
    assert joined(new, steps(), PROBLEM)["step_ms"].tolist() == [90.0]


def test_rows_are_in_the_order_of_cores_cells_and_default_sizes():
    sizes = [(1, 8, 500, 128), (1, 32, 500, 128), (2, 4, 10, 8), (1, 4, 10, 8)]
    shuffled = pd.DataFrame(
        [
            {"cores": cores, "cell": cell, "batch": batch, "length": length, "units": units}
            for cell in ("gru", "simple_rnn")
            for cores, batch, length, units in sizes
        ]
    )
    found = ordered(shuffled)
    assert found["cores"].tolist() == [1] * 6 + [2] * 2
    assert found["cell"].tolist() == ["simple_rnn"] * 3 + ["gru"] * 3 + ["simple_rnn", "gru"]
    assert found["batch"].tolist() == [32, 8, 4, 32, 8, 4, 4, 4]
