from __future__ import annotations

from rnnbench.experiment.skipped import by_reason, skipped_runs
from tests.refusing_grid import REASON, refusing


def test_a_line_for_each_reason() -> None:
    points = [
        ("a", "too long", "gru", "copy", 20),
        ("b", "too wide", "gru", "copy", 5),
        ("a", "too long", "gru", "copy", 20),
        ("c", "too long", "lstm", "adding", 10),
    ]
    assert list(map(str, by_reason(points))) == [
        "2 runs (gru, lstm; copy, adding; lags 10, 20): too long",
        "1 run (gru; copy; lag 5): too wide",
    ]
    assert by_reason([]) == []


def test_only_the_skipped_points_of_a_grid_are_told() -> None:
    assert list(map(str, skipped_runs(refusing().all_points))) == [f"2 runs (short_rnn; review; lag 20): {REASON}"]
