"""Readouts of hand-made states: what they find, which examples they use, and where there is none."""

from typing import NamedTuple

import numpy as np
import pytest

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.stream import Stream
from rnnbench.training.probes.profile import first_scored_steps
from rnnbench.training.readout import (
    EXAMPLES,
    first_of,
    numbers,
    read_steps,
    readable,
    readout,
    score_of,
    shown_distances,
    training_streams,
)

COPY = CopyMemory(lag=10, symbols=2, examples=60)


class Seen(NamedTuple):
    joint: np.ndarray
    output: np.ndarray


class Reader:
    """States that hold the inputs of the last `span` steps, beside each other."""

    def __init__(self, span):
        self.span = span

    def read(self, stream, steps):
        padded = np.pad(stream.features, ((0, 0), (self.span - 1, 0), (0, 0)))
        rows = np.arange(len(steps))[:, None]
        found = np.concatenate([padded[rows, steps + back] for back in range(self.span)], axis=-1)
        return Seen(found, found)


@pytest.mark.parametrize(("span", "score"), [(13, 1.0), (5, 0.125)])
def test_what_a_state_holds_is_read_and_what_it_does_not_is_not(span, score):
    trained, chosen = training_streams(COPY, 0, 50), list(COPY.split("validation"))
    line = readout(COPY, Reader(span), trained, chosen)
    test = list(COPY.split("test"))
    answers = [line(Reader(span).read(one, read_steps(COPY, one)).output) for one in test]
    assert score_of(COPY, test, answers) == pytest.approx(score, abs=0.12)


def test_the_answer_is_read_at_each_distance_that_still_holds_it():
    """A state of the last six steps holds both symbols up to four steps behind the second."""
    validation = list(COPY.split("validation"))
    assert shown_distances(COPY) == [0, 2, 4, 7, 9, 11]
    found = readable(COPY, Reader(6), training_streams(COPY, 0, 50), validation)
    assert list(found) == shown_distances(COPY)
    assert found[11] == found[9] == found[7] == 1
    assert found[0] < 0.4
    # At the last evidence step, and not before.
    assert readable(COPY, Reader(1), training_streams(COPY, 0, 50), validation)[11] == pytest.approx(0.55, abs=0.12)


@pytest.mark.parametrize("objective", ["recall", "all"])
def test_leads_and_unscored_steps_change_nothing(objective):
    task = CopyMemory(lag=10, symbols=2, examples=60, objective=objective, lead="random", training_lags="uniform")
    trained, validation = training_streams(task, 0, 50), list(task.streams("validation"))
    assert {stream.steps - task.layout.length for stream in trained} >= {0, 20} - {0}
    line = readout(task, Reader(13), trained, validation)
    answers = [line(Reader(13).read(one, read_steps(task, one)).output) for one in validation]
    assert score_of(task, validation, answers) == 1
    assert readable(task, Reader(6), trained, validation)[9] == 1
    assert (first_scored_steps(trained[0], task.layout) == trained[0].steps - 2).all()


def test_examples_are_those_of_training_at_the_own_lag():
    task = CopyMemory(lag=10, symbols=2, training_lags="uniform", lead="random")
    found = training_streams(task, 3, 64)
    assert sum(one.examples for one in found) == 1024
    assert all(one.steps >= task.layout.length for one in found)
    np.testing.assert_array_equal(found[5].targets, task.train_batch(3, 5, 64).targets)
    part = first_of(CopyMemory(lag=1, symbols=1, examples=3 * EXAMPLES).split("validation"), 300)
    assert [one.examples for one in part] == [300, 300, 300, 100]


def test_numbers_are_read_as_numbers_and_odd_targets_not_at_all():
    adding = Adding(lag=3)
    stream = next(iter(adding.split("test")))
    assert numbers(adding, stream.targets) is stream.targets
    assert numbers(COPY, np.array([[3]], np.int32)).tolist() == [[[0, 0, 0, 1, 0, 0, 0, 0, 0]]]
    assert numbers(COPY, np.array([[9]], np.int32)) is None  # no class
    assert numbers(adding, np.array([[1]], np.int32)) is None  # a class, answered with one number
    odd = Stream(np.zeros((4, 1, 2), np.float32), np.zeros((4, 5, 2), np.float32))
    assert readout(adding, Reader(1), [odd], [odd]) is None
    assert readable(adding, Reader(1), [odd], [odd]) == {}
