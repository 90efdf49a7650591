"""Simple models, on data whose best answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from rnnbench.tasks import simple_models
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.sentiment import Sentiment


def drawn(seed, n):
    """Two classes along one of four directions, of unequal scale; 10% of the labels are wrong."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) * [1, 100, 1e-3, 0] + [0, 7, 0, 3]
    labels = (x[:, 1] > 7).astype(np.int32)
    return x.astype(np.float32), np.where(rng.random(n) < 0.1, 1 - labels, labels)


def test_logistic_regression_finds_the_line_and_does_not_fit_the_noise():
    answers = simple_models.logistic(*drawn(0, 3000), *drawn(1, 500))
    x, labels = drawn(2, 3000)
    assert simple_models.accuracy(answers(x), labels) == pytest.approx(0.9, abs=0.02)
    again = simple_models.logistic(*drawn(0, 3000), *drawn(1, 500))
    np.testing.assert_array_equal(answers(x), again(x))


def test_of_one_class_that_is_the_answer():
    x, labels = drawn(0, 50)
    assert (simple_models.logistic(x, 0 * labels + 1, x, labels)(x) == 1).all()
    words = simple_models.counts(np.array([[1, 2], [2, 0]]), 4)
    assert simple_models.of_words(words, np.array([1, 1]), words, np.array([0, 1]))(words).tolist() == [1, 1]


def test_counts_leave_out_padding():
    found = simple_models.counts(np.array([[0, 2, 2], [0, 0, 1], [0, 0, 0]]), 4).toarray()
    assert found.tolist() == [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_a_bag_of_words_does_not_see_their_order():
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 9, size=(800, 6))
    labels = (tokens == 8).any(axis=1).astype(np.int32)
    order = (tokens[:, 0] > tokens[:, 1]).astype(np.int32)
    seen = simple_models.counts(tokens, 9)
    for wanted, least, most in ((labels, 0.95, 1.0), (order, 0.4, 0.62)):
        answers = simple_models.of_words(seen[:600], wanted[:600], seen[600:], wanted[600:])
        assert least <= simple_models.accuracy(answers(seen[600:]), wanted[600:]) <= most


def test_what_counting_gives_falls_with_the_number_of_decoys():
    """The sum of two values among n is told by the mean of all: an error of (1/6) (1 - 2/n), and no position helps."""
    for lag, steps in ((0, 4), (8, 12)):
        found = position_blind(Adding(lag=lag, evidence=4, filler="decoy", examples=20_000))
        assert found == pytest.approx((1 - 2 / steps) / 6, abs=0.004)
    review = {"source": "synthetic", "vocabulary": 200, "evidence": 12, "filler": "decoy"}
    levels = [position_blind(Sentiment(lag=lag, **review)) for lag in (0, 12, 200)]
    assert levels == sorted(levels, reverse=True)
    # It does not look at how the task is trained.
    assert position_blind(Sentiment(lag=12, training_lags="far", **review)) == levels[1]
