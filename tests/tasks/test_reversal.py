"""Reversal: layout, what is fed back, and a network that was made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.reversal import Reversal
from rnnbench.tasks.stream import joined


@given(
    lag=st.integers(0, 30),
    symbols=st.integers(1, 8),
    alphabet=st.integers(2, 9),
    filler=st.sampled_from(["zeros", "blank", "distractor"]),
)
def test_evidence_filler_marker_and_the_answers_before(lag, symbols, alphabet, filler):
    task = Reversal(lag=lag, symbols=symbols, alphabet=alphabet, filler=filler, examples=5)
    stream = joined(task.split("test"))
    index, marker = stream.features.argmax(-1), symbols + lag
    assert stream.features.shape == (5, 2 * symbols + lag, 2 + 3 * alphabet)
    assert (stream.features[:, symbols:marker].sum(-1) == (filler != "zeros")).all()
    assert (np.delete(stream.features, np.r_[symbols:marker], axis=1).sum(-1) == 1).all()
    evidence = index[:, :symbols] - 1
    assert evidence.min() >= 0
    assert evidence.max() < alphabet
    assert (index[:, marker] == alphabet + 1).all()
    np.testing.assert_array_equal(stream.targets, evidence[:, ::-1])
    np.testing.assert_array_equal(index[:, marker + 1 :], 2 + 2 * alphabet + stream.targets[:, :-1])
    between = index[:, symbols:marker]
    first = alphabet + 2
    assert ((between >= first) & (between < first + alphabet)).all() if filler == "distractor" else (between == 0).all()
    assert task.longest_stream == stream.steps + max(20, lag // 2)


def test_the_largest_logit_is_fed_back_in_channels_of_its_own():
    task = Reversal(lag=3, symbols=2, alphabet=3)
    (features,) = task.fed_back(np.array([[0.1, -2, 0], [-3, -2, -1]])).values()
    assert features.dtype == np.float32
    assert features.tolist() == [np.eye(11)[8].tolist(), np.eye(11)[10].tolist()]


def test_one_wrong_symbol_makes_a_wrong_answer():
    task = Reversal(lag=3, symbols=4, alphabet=3, examples=6)
    stream = joined(task.split("test"))
    outputs = 9 * np.eye(3)[stream.targets]
    assert task.scores(stream, outputs)["exact_match"].tolist() == [1] * 6
    outputs[1, 2] = outputs[1, 2][[1, 2, 0]]
    outputs[3] = np.nan
    scores = task.scores(stream, outputs)
    np.testing.assert_array_equal(scores["exact_match"], [1, 0, 1, np.nan, 1, 1])
    np.testing.assert_array_equal(scores["accuracy"], [1, 0.75, 1, np.nan, 1, 1])
    of_right = np.log(np.exp(9) + 2) - 9
    np.testing.assert_allclose(scores["loss"][[0, 1]], [of_right, of_right + 9 / 4], rtol=1e-6)
    assert task.metric().__class__.__name__ == "MeanOverExamples"
    assert set(task.teacher_forced) == {"loss"}


def test_levels_are_a_guess_and_the_perfect_score():
    task = Reversal(lag=5, symbols=3, alphabet=4)
    assert task.levels() == {"memoryless": 1 / 64, "reference": 1.0, "guess": 1 / 64}
    assert task.skill(1 / 64) == 0
    assert task.solves(0.99, 0.003)
    assert not task.solves(0.98, 0.003)
    # A share of the distinct sequences of the split, of which there are 64 by chance alike.
    assert Reversal(lag=5, symbols=1, alphabet=4, filler="blank").distinct() == 4


def test_a_guess_is_right_as_often_as_the_level_says():
    task = Reversal(lag=0, symbols=2, alphabet=3, examples=20_000)
    stream = joined(task.split("test"))
    guesses = np.random.default_rng(0).normal(size=(20_000, 2, 3))
    assert task.scores(stream, guesses)["exact_match"].mean() == pytest.approx(task.memoryless(), abs=4 * 0.0022)


@pytest.mark.parametrize("filler", ["zeros", "blank", "distractor"])
def test_the_marker_can_be_replaced_by_filler(filler):
    task = Reversal(lag=9, symbols=3, filler=filler, examples=40)
    for stream in task.tested("test", leads=[0, 4]):
        found = task.without_marker(stream)
        differ = (found.features != stream.features).any(axis=(0, 2))
        assert np.flatnonzero(differ).tolist() == [stream.steps - 3]
        assert not found.features[:, -3, 9].any()
        np.testing.assert_array_equal(found.targets, stream.targets)


def test_a_stack_that_is_filled_by_evidence_and_emptied_by_answers_solves():
    """Free-running: each answer is made of what is fed back, and none of it is taken from the teacher."""
    task = Reversal(lag=7, symbols=4, alphabet=5, filler="distractor", examples=50)
    stream = joined(task.split("test"))
    stacks = [[] for _ in range(50)]
    outputs = np.zeros((50, 4, 5), np.float32)
    inputs = stream.features[:, : task.layout.first_readout + 1]
    for step in range(4):
        # All that was read so far, and no target.
        for example, stack in enumerate(stacks):
            if step == 0:
                stack.extend(row.argmax() - 1 for row in inputs[example] if 1 <= row.argmax() <= 5)
            outputs[example, step, stack[-1 - step]] = 1
        inputs = np.concatenate([inputs, task.fed_back(outputs[:, step])["features"][:, None]], axis=1)
    np.testing.assert_array_equal(inputs[:, :-1], stream.features)
    assert task.scores(stream, outputs)["exact_match"].mean() == 1
