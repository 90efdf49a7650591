"""Data of another form than the task says are refused: targets would be compared with answers they do not belong to."""

from __future__ import annotations

import numpy as np
import pytest

from rnnbench.errors import UserError
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.forecasting import Forecasting
from rnnbench.tasks.sentiment import Sentiment


def said(task, inputs, targets):
    with pytest.raises(UserError) as error:
        task.check_batch((inputs, targets), "the test split")
    return str(error.value)


def test_targets_without_an_axis_for_the_outputs_are_refused():
    task = Adding(lag=2)
    inputs, targets = task.train_batch(0, 0, 4)
    assert said(task, inputs, targets[:, 0]) == "the test split has targets of shape (4,), and must have (4, 1)"


def test_inputs_of_another_width_are_refused():
    task = Adding(lag=2)
    inputs, targets = task.train_batch(0, 0, 4)
    found = said(task, inputs[..., :1], targets)
    assert found == "the test split has inputs of shape (4, 23, 1), and must have (4, 23, 3)"


def test_a_class_beyond_the_outputs_is_refused():
    task = CopyMemory(lag=2, symbols=1)
    inputs, targets = task.train_batch(0, 0, 4)
    end = task.outputs
    assert (
        said(task, inputs, targets * 0 + end) == f"the test split holds the target {end}, and must hold 0 to {end - 1}"
    )
    assert said(task, inputs, targets * 0 - 1) == f"the test split holds the target -1, and must hold 0 to {end - 1}"


def test_a_token_beyond_the_vocabulary_is_refused():
    task = Sentiment(lag=2, source="synthetic")
    inputs, targets = task.split("test")
    assert said(task, np.full_like(inputs, task.inputs.vocabulary), targets).startswith(
        "the test split holds the token"
    )


@pytest.mark.parametrize(
    "task",
    [
        Adding(lag=0),
        Adding(lag=40, form="literature", filler="distractor"),
        CopyMemory(lag=3),
        Sentiment(lag=0, source="synthetic"),
        Forecasting(lag=2, source="synthetic"),
    ],
    ids=lambda task: type(task).__name__,
)
def test_the_suites_own_data_pass(task):
    for batch in (task.split("validation"), task.split("test"), task.train_batch(0, 0, 4)):
        task.check_batch(batch, "it")
