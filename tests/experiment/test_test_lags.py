"""`test_lags` and `trainable` of an experiment file: what runs are tested at, what is refused, what is signed."""

from typing import Any

import pytest

from rnnbench.errors import SettingError
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.json_schema import experiment_schema
from rnnbench.experiment.settings import Training, probe_steps
from rnnbench.models.lstm import LSTM


def grid(**changes: Any) -> Experiment:
    settings: dict[str, Any] = {"name": "n", "tasks": {"copy_memory": {"lag": [1, 8, 50]}}, "models": {"lstm": {}}}
    return Experiment.model_validate(settings | changes)


def test_by_default_each_run_is_tested_around_its_own_lag():
    assert [spec.tested_lags for spec in grid().runs] == [
        [1, 2],
        [1, 2, 4, 6, 7, 8, 9, 12, 16],
        [1, 12, 25, 37, 49, 50, 51, 75, 100],
    ]


def test_lags_that_are_asked_for_are_tested_beside_the_own():
    assert [spec.tested_lags for spec in grid(test_lags=[60, 5]).runs] == [[1, 5, 60], [5, 8, 60], [5, 50, 60]]


@pytest.mark.parametrize(
    ("lags", "message"),
    [
        ([0, 5], r"^test_lags: lag 0 cannot be tested on task 'copy_memory': its shortest lag is 1$"),
        ([], r"^test_lags: write a list of lags, such as \[10, 50, 100\], not \[\]$"),
        (7, r"^test_lags: write a list of lags"),
        ([-1], r"^test_lags: write a list of lags"),
        ([True], r"^test_lags: write a list of lags"),
        ([3, 3], r"^test_lags: lag 3 is listed twice$"),
    ],
)
def test_what_is_no_list_of_lags_is_refused(lags, message):
    with pytest.raises(SettingError, match=message):
        grid(test_lags=lags)


def test_left_out_they_are_not_signed():
    plain, given = grid().runs[1], grid(test_lags=[8, 9]).runs[1]
    assert "test_lags" not in plain.settings
    assert plain.signature != given.signature
    assert given.signature == grid(test_lags=[9, 8]).runs[1].signature
    assert given.signature != grid(test_lags=[8, 10]).runs[1].signature


def test_a_run_carries_them_to_its_worker():
    import pickle

    spec = grid(test_lags=[8, 9]).runs[1]
    there = pickle.loads(pickle.dumps(spec))
    assert there.tested_lags == [8, 9]
    assert there.signature == spec.signature
    assert pickle.loads(pickle.dumps(grid().runs[1])).test_lags is None


def test_they_are_resolved_and_in_the_schema():
    assert grid(test_lags=[9, 8]).resolved()["test_lags"] == [8, 9]
    assert "test_lags" not in grid().resolved()
    assert experiment_schema()["properties"]["test_lags"]["anyOf"][0]["type"] == "array"


def test_a_file_of_before_is_told_what_became_of_its_probes():
    with pytest.raises(
        SettingError, match=r"^gradients: 'during' is no setting any more: .*evaluate_every.*remove it$"
    ):
        grid(gradients={"during": 3})


@pytest.mark.parametrize(("steps", "every", "probed"), [(1000, 100, [100, 200, 400]), (25, 10, [10, 20]), (5, 10, [])])
def test_gradients_are_measured_at_equal_steps(steps, every, probed):
    assert probe_steps(Training(steps=steps, evaluate_every=every)) == probed


def test_a_frozen_model_is_another_run_of_the_same_program():
    (whole,), (frozen,) = (
        grid(models={"lstm": entry}, tasks={"copy_memory": {"lag": 8}}).runs for entry in ({}, {"trainable": "readout"})
    )
    assert whole.signature != frozen.signature
    assert whole.signature == grid(models={"lstm": {"trainable": "all"}}).runs[1].signature
    assert whole.compile_key == frozen.compile_key
    assert LSTM(trainable="readout").parameters(3) == LSTM().parameters(3)
