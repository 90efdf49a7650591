"""Streams in buffers: few lengths for many, and nothing else changes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rnnbench.experiment.settings import Training
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.stream import Stream
from rnnbench.training.buffers import STEPS, buffer_length, buffer_of, buffered, usable_buffer, usable_for_tests


def test_there_are_four_lengths_an_octave_and_the_next_is_near():
    ladder = sorted({buffer_length(steps) for steps in range(1, 1025)})
    assert [length for length in ladder if 64 <= length <= 256] == [64, 80, 96, 112, 128, 160, 192, 224, 256]
    assert all(buffer_length(steps) == min(one for one in ladder if one >= steps) for steps in range(1, 1025))
    assert max(after / (before + 1) for before, after in itertools.pairwise(ladder)) < 1.25
    assert [buffer_length(steps) for steps in range(1, 9)] == list(range(1, 9))


@pytest.mark.parametrize("lead", ["none", "random"])
def test_one_buffer_holds_all_streams_of_a_task(lead: str) -> None:
    task = CopyMemory(lag=30, symbols=2, training_lags="fixed" if lead == "none" else "uniform", lead=lead)
    lengths = {task.training_stream(0, step, 1).steps for step in range(200)}
    lengths |= {stream.steps for stream in task.streams("test")}
    assert max(lengths) == task.longest_stream == 34 + (20 if lead == "random" else 0)
    assert buffer_of(task) == {"none": 40, "random": 56}[lead]


def test_a_stream_stands_at_the_start_of_its_buffer():
    stream = next(iter(CopyMemory(lag=5, symbols=2, examples=3).split("test")))
    parts = buffered(stream, 12, every_step=False)
    assert parts[STEPS].tolist() == [9]
    np.testing.assert_array_equal(parts["features"][:, :9], stream.features)
    assert not parts["features"][:, 9:].any()
    np.testing.assert_array_equal(parts["targets"], stream.targets)


def test_where_every_step_is_read_those_behind_the_stream_have_no_weight():
    stream = next(iter(CopyMemory(lag=5, symbols=2, examples=3, objective="all").split("test")))
    parts = buffered(stream, 12, every_step=True)
    assert parts["weights"][:, :9].all()
    assert not parts["weights"][:, 9:].any()
    assert parts["targets"].shape == parts["scored"].shape == (3, 12)
    assert not parts["scored"][:, 9:].any()
    own = Stream(np.zeros((1, 2), np.int32), np.zeros((1, 2, 1), np.float32), weights=np.array([[0.5, 2]], np.float32))
    assert buffered(own, 3, every_step=True)["weights"].tolist() == [[0.5, 2, 0]]


def test_a_short_training_takes_the_next_longer_buffer_that_is_compiled():
    task, every_step = (
        CopyMemory(lag=30, symbols=2, objective=objective, training_lags="fixed") for objective in ("recall", "all")
    )
    short, long = Training(steps=1000), Training(steps=100_000)
    assert usable_buffer(task, short, []) == 40
    assert usable_buffer(task, short, [32]) == 40
    assert usable_buffer(task, short, [256, 128]) == 128
    assert usable_buffer(task, short, [1024]) == 40
    assert usable_buffer(task, short, [40, 128]) == 40
    assert usable_buffer(task, long, [128]) == 40
    assert usable_buffer(every_step, short, [128]) == 40


def test_tests_take_a_longer_buffer_that_is_compiled_unless_it_is_very_long():
    task, every_step = (CopyMemory(lag=30, symbols=2, objective=objective) for objective in ("recall", "all"))
    assert usable_for_tests(task, 70, []) == 80
    assert usable_for_tests(task, 70, [40, 64]) == 80
    assert usable_for_tests(task, 70, [256, 112]) == 112
    assert usable_for_tests(task, 70, [512]) == 80
    assert usable_for_tests(task, 70, [112, 80]) == 80
    assert usable_for_tests(every_step, 70, [112]) == 80
