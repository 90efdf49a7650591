"""Data of another form than the task says are refused: targets would be compared with answers they do not belong to."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from rnnbench.errors import UserError
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.base import Reads
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.forecasting import Forecasting
from rnnbench.tasks.sentiment import Sentiment
from rnnbench.tasks.stream import Stream


class Pointed(Adding):
    """Adding that is asked at two steps which its stream names."""

    reads: ClassVar[Reads] = "given"

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        stream = super().train_batch(seed, step, batch_size)
        twice = np.repeat(stream.targets, 2, axis=1)
        return stream._replace(targets=twice, readout=np.full((batch_size, 2), [21, 22], np.int32))


ADDING, COPY, POINTED = Adding(lag=2), CopyMemory(lag=2, symbols=3), Pointed(lag=2)
EVERY = CopyMemory(lag=2, symbols=3, objective="all")
SENTIMENT = Sentiment(lag=2, source="synthetic", vocabulary=100, evidence=5)


def batch(task, **changes):
    """A training batch of four examples; a part may be a function of what it is."""
    stream = task.train_batch(0, 0, 4)
    parts = {name: part(getattr(stream, name)) if callable(part) else part for name, part in changes.items()}
    return stream._replace(**parts)


def said(task, stream):
    with pytest.raises(UserError) as error:
        task.check_stream(stream, "the test split")
    assert "\n" not in str(error.value)
    return str(error.value)


def with_one(value, *index):
    """A copy of an array with one other value."""

    def changed(part):
        part = part.copy()
        part[index] = value
        return part

    return changed


def weights(*values):
    """Four examples of one read step."""
    return np.array(values, np.float32)[:, None]


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [
        (ADDING, {"features": lambda x: x[..., :1]}, "has features of shape (4, 23, 1), expected (4, 23, 4)"),
        (ADDING, {"features": lambda x: x[:, 1:]}, "has features of shape (4, 22, 4), expected (4, 23, 4)"),
        (ADDING, {"features": lambda x: x[:3]}, "has features of shape (3, 23, 4), expected (4, 23, 4)"),
        (
            ADDING,
            {"features": with_one(np.nan, 2, 1, 0)},
            "holds 1 features that are not finite, the first of them nan at index [2, 1, 0] (from 0)",
        ),
        (
            ADDING,
            {"tokens": np.zeros((4, 23), np.int32)},
            "has tokens, but `ports` declares Ports(features=4, vocabulary=0, embedding=0)",
        ),
        (
            ADDING,
            {"features": None, "tokens": np.zeros((4, 23), np.int32)},
            "has no features, but `ports` declares Ports(features=4, vocabulary=0, embedding=0)",
        ),
        (
            SENTIMENT,
            {"tokens": None, "features": np.zeros((4, 8, 1), np.float32)},
            "has no tokens, but `ports` declares Ports(features=1, vocabulary=102, embedding=32)",
        ),
        (SENTIMENT, {"tokens": lambda x: x[:, :-1]}, "has tokens of shape (4, 7), expected (4, 8)"),
        (SENTIMENT, {"tokens": with_one(102, 1, 3)}, "has token 102, outside 0 to 101"),
        (SENTIMENT, {"tokens": with_one(-1, 1, 3)}, "has token -1, outside 0 to 101"),
        (
            ADDING,
            {"targets": lambda y: y[:, 0, 0]},
            "has targets of shape (4,), expected (4, 1, ...): a target for each step that is read",
        ),
        (
            COPY,
            {"targets": lambda y: y[:, :2]},
            "has targets of shape (4, 2), expected (4, 3, ...): a target for each step that is read",
        ),
        (
            EVERY,
            {"targets": lambda y: y[:, -3:]},
            "has targets of shape (4, 3), expected (4, 8, ...): a target for each step that is read",
        ),
        (
            POINTED,
            {"targets": lambda y: y[:, 0, 0]},
            "has targets of shape (4,), expected (4, R, ...): a target for each step that is read",
        ),
        (ADDING, {"targets": lambda y: y[:, 0]}, "has targets of shape (4, 1), expected (4, 1, 1)"),
        (ADDING, {"targets": lambda y: np.repeat(y, 2, -1)}, "has targets of shape (4, 1, 2), expected (4, 1, 1)"),
        (COPY, {"targets": lambda y: y[..., None]}, "has targets of shape (4, 3, 1), expected (4, 3)"),
        (
            ADDING,
            {"targets": with_one(np.inf, 3, 0, 0)},
            "holds 1 targets that are not finite, the first of them inf at index [3, 0, 0] (from 0)",
        ),
        (COPY, {"targets": with_one(9, 0, 0)}, "has target 9, outside 0 to 8"),
        (COPY, {"targets": with_one(-1, 0, 0)}, "has target -1, outside 0 to 8"),
        (ADDING, {"readout": np.full((4, 1), 22)}, "has a readout, but the task must not give any: it reads the end"),
        (POINTED, {"readout": None}, "has no readout, but the task must give the steps that are read"),
        (POINTED, {"readout": lambda r: r[:, :1]}, "has readout of shape (4, 1), expected (4, 2)"),
        (POINTED, {"readout": with_one(23, 1, 1)}, "has readout 23, outside 0 to 22"),
        (ADDING, {"weights": np.ones((4, 23), np.float32)}, "has weights of shape (4, 23), expected (4, 1)"),
        (ADDING, {"weights": weights(1, 1, -0.5, 1)}, "has a weight of -0.5, which is below 0"),
        (
            ADDING,
            {"weights": weights(1, 1, 1, np.nan)},
            "holds 1 weights that are not finite, the first of them nan at index [3, 0] (from 0)",
        ),
        (ADDING, {"weights": weights(1, 1, 0, 1)}, "scores no step of example 2 (from 0)"),
        (EVERY, {"scored": lambda s: s[:, 1:]}, "has scored of shape (4, 7), expected (4, 8)"),
        (EVERY, {"scored": with_one(False, 3)}, "scores no step of example 3 (from 0)"),
        # Scored where there is no weight.
        (EVERY, {"weights": np.tile(np.float32([1] * 5 + [0] * 3), (4, 1))}, "scores no step of example 0 (from 0)"),
    ],
)  # fmt: skip
def test_what_is_not_as_declared_is_told_in_a_line(task, changes, message):
    assert said(task, batch(task, **changes)) == f"the test split {message}"


def test_what_is_no_stream_is_told():
    stream = batch(ADDING)
    assert said(ADDING, (stream.features, stream.targets)) == ("the test split is a tuple, expected a rnnbench.Stream")


def test_an_empty_batch_is_told():
    assert said(ADDING, batch(ADDING).rows(slice(0))) == "the test split is empty"


@pytest.mark.parametrize(
    "task",
    [
        Adding(lag=0),
        Adding(lag=40, form="urnn"),
        CopyMemory(lag=3),
        EVERY,
        Sentiment(lag=0, source="synthetic"),
        Forecasting(lag=2, source="synthetic"),
    ],
    ids=lambda task: type(task).__name__,
)
def test_the_suites_own_data_pass(task):
    for stream in (*task.split("validation"), *task.split("test"), task.train_batch(0, 0, 4)):
        task.check_stream(stream, "it")


def test_weights_scores_and_given_steps_that_fit_pass():
    POINTED.check_stream(batch(POINTED), "it")
    POINTED.check_stream(batch(POINTED, weights=np.float32([[1, 0], [0, 2], [0.5, 0.5], [1, 1]])), "it")
    EVERY.check_stream(batch(EVERY, weights=np.ones((4, 8), np.float32)), "it")
