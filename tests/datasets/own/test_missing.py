from __future__ import annotations

import numpy as np
import pytest

from rnnbench.datasets.own import missing
from rnnbench.datasets.scaling import Scale
from rnnbench.errors import UserError

GAP = np.nan


def test_missing_values_are_counted_and_the_first_is_told() -> None:
    values = np.array([[1.0, 2.0], [3.0, GAP], [GAP, GAP]])
    with pytest.raises(UserError, match=r"f.csv: 3 missing values, the first in line 3, column 'b'; .*`missing: mask`"):
        missing.refuse(values, ["a", "b"], "f.csv", lambda row: f"line {row + 2}")
    missing.refuse(values[:1], ["a", "b"], "f.csv", str)


def test_gaps_are_filled_with_the_last_value_before() -> None:
    values = np.array([[GAP, 1.0], [2.0, GAP], [GAP, GAP], [GAP, 4.0]])
    missing.fill_forward(values, np.array([7.0, 8.0]))
    assert values.tolist() == [[7, 1], [2, 1], [2, 1], [2, 4]]


def test_a_mask_is_the_training_mean_and_an_indicator() -> None:
    values = np.array([[1.0, 5.0], [3.0, GAP], [GAP, 7.0]])
    scale = missing.scale_of(values, ["a", "b"], "f.csv")
    assert scale.mean.tolist() == [2, 6]
    assert missing.masked(scale(values)).tolist() == [[-1, -1, 0, 0], [1, 0, 0, 1], [0, 1, 1, 0]]


def test_of_complete_rows_the_scale_is_the_usual_one() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 3))
    for ours, usual in zip(missing.scale_of(rows, "abc", "f.csv"), Scale.of(rows), strict=True):
        assert np.array_equal(ours, usual)


def test_a_column_without_training_values_is_refused() -> None:
    with pytest.raises(UserError, match="column 'b' has no value in the training rows"):
        missing.scale_of(np.array([[1.0, GAP]]), ["a", "b"], "f.csv")
