"""What is timed: sizes, data and weights."""

import numpy as np
import pytest

from rnnbench.bench.problem import Problem, parse_size
from rnnbench.errors import UserError


def test_a_size_is_batch_length_and_units():
    assert parse_size("32,500,128") == (32, 500, 128)


@pytest.mark.parametrize("text", ["32,500", "32,500,x", "32,0,8", "", "32,3,8"])
def test_a_size_that_is_none_is_one_line(text):
    with pytest.raises(UserError, match="--size"):
        parse_size(text)


def test_the_data_are_copy_memory_and_the_same_for_everybody():
    problem = Problem("lstm", 6, 30, 8)
    inputs, targets = problem.data()
    assert inputs.shape == (6, 30, 10)
    assert targets.shape == (6, 10)
    np.testing.assert_array_equal(inputs[:, :10].argmax(-1), targets)
    np.testing.assert_array_equal(inputs[:, 19].argmax(-1), 9)
    np.testing.assert_array_equal(problem.data()[0], inputs)


@pytest.mark.parametrize(("length", "recalled"), [(4, 1), (10, 3), (30, 10), (1000, 10)])
def test_short_sequences_are_read_out_at_fewer_steps(length, recalled):
    problem = Problem("gru", 2, length, 4)
    assert problem.recalled == recalled
    assert problem.data()[0].shape[1] == length


@pytest.mark.parametrize(("cell", "gates", "bias"), [("simple_rnn", 1, (8,)), ("lstm", 4, (32,)), ("gru", 3, (2, 24))])
def test_weights_are_as_keras_lays_them_out(cell, gates, bias):
    weights = Problem(cell, 2, 10, 8).weights()
    assert weights["kernel"].shape == (10, gates * 8)
    assert weights["bias"].shape == bias
    assert np.all(weights["bias"] != 0)
    recurrent = weights["recurrent_kernel"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(8), atol=1e-6)


def test_only_short_steps_share_a_call():
    assert Problem("lstm", 32, 100, 32).steps_per_call == 10
    assert Problem("lstm", 128, 500, 64).steps_per_call == 1


def test_ours_takes_a_shard_a_core_as_far_as_they_divide_the_batch():
    assert [Problem("lstm", 32, 10, 8).on_cores(cores).shards for cores in (1, 2, 3, 4)] == [1, 2, 2, 4]
