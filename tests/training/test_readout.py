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
    Reading,
    first_of,
    numbers,
    read_steps,
    readable,
    reading,
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
    """States that hold the inputs of the last `span` steps, beside each other, `scale` times as large."""

    def __init__(self, span, scale=1.0):
        self.span, self.scale = span, scale

    def read(self, streams, shown, read):
        return [Seen(self.at(one, a), self.at(one, b)) for one, a, b in zip(streams, shown, read, strict=True)]

    def at(self, stream, steps):
        padded = np.pad(stream.features, ((0, 0), (self.span - 1, 0), (0, 0)))
        rows = np.arange(len(steps))[:, None]
        return self.scale * np.concatenate([padded[rows, steps + back] for back in range(self.span)], axis=-1)


def read(task, streams, span, scale=1.0):
    return reading(task, Reader(span, scale), streams)


@pytest.mark.parametrize(("span", "score"), [(13, 1.0), (5, 0.125)])
def test_what_a_state_holds_is_read_and_what_it_does_not_is_not(span, score):
    trained, chosen = training_streams(COPY, 0, 50), list(COPY.split("validation"))
    line = readout(COPY, read(COPY, trained, span), read(COPY, chosen, span))
    test = list(COPY.split("test"))
    answers = [line(Reader(span).at(one, read_steps(COPY, one))) for one in test]
    assert score_of(COPY, test, answers) == pytest.approx(score, abs=0.12)


def test_the_answer_is_read_at_each_distance_that_still_holds_it():
    """A state of the last six steps holds both symbols up to four steps behind the second."""
    validation = list(COPY.split("validation"))
    assert shown_distances(COPY) == [0, 2, 4, 7, 9, 11]
    trained = training_streams(COPY, 0, 50)
    found = readable(COPY, read(COPY, trained, 6), read(COPY, validation, 6))
    assert list(found) == shown_distances(COPY)
    assert found[11] == found[9] == found[7] == 1
    assert found[0] < 0.4
    # At the last evidence step, and not before.
    last_alone = readable(COPY, read(COPY, trained, 1), read(COPY, validation, 1))
    assert last_alone[11] == pytest.approx(0.55, abs=0.12)


@pytest.mark.parametrize(("scale", "score"), [(1e-4, 1.0), (1e-8, 0.125)])
def test_what_is_left_in_the_last_bits_is_not_read(scale, score):
    trained, validation = training_streams(COPY, 0, 50), list(COPY.split("validation"))
    found = readable(COPY, read(COPY, trained, 13, scale), read(COPY, validation, 13, scale))
    assert found[0] == pytest.approx(score, abs=0.12)


@pytest.mark.parametrize("objective", ["recall", "all"])
def test_leads_and_unscored_steps_change_nothing(objective):
    task = CopyMemory(lag=10, symbols=2, examples=60, objective=objective, lead="random", training_lags="uniform")
    trained, validation = training_streams(task, 0, 50), list(task.streams("validation"))
    assert {stream.steps - task.layout.length for stream in trained} >= {0, 20} - {0}
    line = readout(task, read(task, trained, 13), read(task, validation, 13))
    answers = [line(Reader(13).at(one, read_steps(task, one))) for one in validation]
    assert score_of(task, validation, answers) == 1
    assert readable(task, read(task, trained, 6), read(task, validation, 6))[9] == 1
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
    odd_reading = Reading([odd], [Seen(odd.features, odd.features)])
    assert readout(adding, odd_reading, odd_reading) is None
    assert readable(adding, odd_reading, odd_reading) == {}
