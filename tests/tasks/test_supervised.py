"""Losses and scores by hand in NumPy: weights, padding, what is not finite, and those of stock Keras."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.stream import Stream, joined
from rnnbench.tasks.supervised import cross_entropy, mean_of_steps, weighted_mean
from tests.tasks.lookup import Lookup

CLASSES, NUMBERS = Lookup(lag=2), Adding(lag=2)
N, R = 5, 3
WEIGHTS = np.float32([[1, 1, 1], [1, 0, 0], [0.5, 2, 0], [0, 0, 3], [0.25, 0.25, 0]])
"""Of each step that is read: all alike, padding behind, before and on both sides."""


def example(task, weights=None, scored=None, dtype=np.float32):
    """Targets and answers of R read steps; the inputs do not matter here."""
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(N, R, task.outputs)).astype(dtype)
    if task is CLASSES:
        targets = rng.integers(task.outputs, size=(N, R)).astype(np.int32)
    else:
        targets = rng.normal(size=(N, R, task.outputs)).astype(dtype)
    return Stream(targets, weights=weights, scored=scored), outputs


def of_steps(task, stream, outputs):
    """The loss of each step, (N, R), in float64."""
    if task is CLASSES:
        return -np.take_along_axis(log_softmax(outputs.astype(np.float64), -1), stream.targets[..., None], -1)[..., 0]
    return np.mean((outputs.astype(np.float64) - stream.targets) ** 2, axis=-1)


@pytest.fixture(params=[CLASSES, NUMBERS], ids=["classification", "regression"])
def task(request):
    return request.param


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
def test_the_loss_is_the_weighted_mean_of_the_steps_that_are_read(task, weights):
    stream, outputs = example(task, weights)
    expected = np.average(of_steps(task, stream, outputs), axis=1, weights=weights)
    np.testing.assert_allclose(task.loss(stream, outputs), expected, rtol=1e-5)
    np.testing.assert_allclose(task.scores(stream, outputs)["loss"], expected, rtol=1e-6)


def test_the_loss_of_the_probes_is_exact_in_float64(task):
    stream, outputs = example(task, WEIGHTS.astype(np.float64), dtype=np.float64)
    expected = np.average(of_steps(task, stream, outputs), axis=1, weights=WEIGHTS)
    found = task.loss(stream, tf.constant(outputs))
    assert found.dtype == tf.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_without_weights_it_is_the_loss_of_keras(task):
    stream, outputs = example(task)
    stock = (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if task is CLASSES
        else keras.losses.MeanSquaredError()
    )
    assert np.mean(task.loss(stream, outputs)) == pytest.approx(float(stock(stream.targets, outputs)), rel=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_padding_has_no_influence_whatever_is_answered_there(task, bad):
    stream, outputs = example(task, WEIGHTS)
    loss, scores = np.array(task.loss(stream, outputs)), task.scores(stream, outputs)
    elsewhere = outputs.copy()
    elsewhere[WEIGHTS == 0] = bad
    np.testing.assert_array_equal(task.loss(stream, elsewhere), loss)
    with np.errstate(invalid="ignore"):
        found = task.scores(stream, elsewhere)
    assert found.keys() == scores.keys()
    for name, values in scores.items():
        np.testing.assert_array_equal(found[name], values)


def test_padding_whose_loss_overflows_has_no_gradient(task):
    stream, outputs = example(task, WEIGHTS)
    outputs[WEIGHTS == 0] = 1e30
    answers = tf.Variable(outputs)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(task.loss(stream, answers))
    gradient = tape.gradient(loss, answers).numpy()
    assert np.isfinite(gradient).all()
    assert not gradient[WEIGHTS == 0].any()
    assert gradient[WEIGHTS > 0].any(axis=-1).all()


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1e3])
def test_only_the_ratio_of_the_weights_of_an_example_counts(task, scale):
    stream, outputs = example(task, WEIGHTS)
    each = np.float32(scale) ** np.arange(-2, 3, dtype=np.float32)[:, None] / 100
    scaled = stream._replace(weights=WEIGHTS * each)
    np.testing.assert_allclose(task.loss(scaled, outputs), task.loss(stream, outputs), rtol=1e-5)
    scores = task.scores(stream, outputs)
    for name, values in task.scores(scaled, outputs).items():
        np.testing.assert_allclose(values, scores[name], rtol=1e-5)


def test_an_example_without_weight_has_no_loss():
    np.testing.assert_array_equal(weighted_mean(np.float32([[3, 4], [5, 6]]), np.float32([[0, 0], [1, 0]])), [0, 5])


def test_a_mean_over_steps_by_hand():
    values = np.float32([[1, 2, 6], [1, 2, 6]])
    assert mean_of_steps(values, None).tolist() == [3, 3]
    assert mean_of_steps(values, np.float32([[1, 1, 0], [0, 1, 3]])).tolist() == [1.5, 5]
    assert mean_of_steps(values, None).dtype == np.float64


def test_scores_of_an_example_depend_on_no_other(task):
    stream, outputs = example(task, WEIGHTS)
    scores = task.scores(stream, outputs)
    for number in range(N):
        one = slice(number, number + 1)
        for name, values in task.scores(stream.rows(one), outputs[one]).items():
            assert values.shape == (1,)
            assert values[0] == pytest.approx(scores[name][number], rel=1e-12)


def test_scores_are_of_the_scored_steps_and_the_loss_of_all(task):
    scored = np.array([[True, False, False], [True, True, True], [False, True, False], [True, False, True],
                       [False, False, True]])  # fmt: skip
    stream, outputs = example(task, scored=scored)
    found = task.scores(stream, outputs)
    losses = of_steps(task, stream, outputs)
    np.testing.assert_allclose(found["loss"], losses.mean(axis=1), rtol=1e-6)
    if task is CLASSES:
        right = outputs.argmax(-1) == stream.targets
        np.testing.assert_allclose(found["accuracy"], np.average(right, axis=1, weights=scored))
    else:
        np.testing.assert_allclose(found["mse"], np.average(losses, axis=1, weights=scored), rtol=1e-6)
        error = np.abs(outputs.astype(np.float64) - stream.targets).mean(axis=-1)
        np.testing.assert_allclose(found["mae"], np.average(error, axis=1, weights=scored), rtol=1e-6)
    np.testing.assert_allclose(
        task.loss(stream.scored_only, outputs), np.average(losses, axis=1, weights=scored), rtol=1e-5
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_answer_with_a_logit_that_is_no_number_has_no_accuracy(bad):
    stream, outputs = example(CLASSES, WEIGHTS)
    before = CLASSES.scores(stream, outputs)["accuracy"]
    outputs[2, 1, 3] = bad
    with np.errstate(invalid="ignore"):
        after = CLASSES.scores(stream, outputs)["accuracy"]
    assert np.isnan(after).tolist() == [False, False, True, False, False]
    np.testing.assert_array_equal(np.delete(after, 2), np.delete(before, 2))


def test_cross_entropy_of_large_logits():
    logits = np.float32([[[1e4, 0, -1e4]], [[1000, 1000, 1000]], [[-300, -300.5, -301]]])
    targets = np.int32([[2], [1], [0]])
    expected = -log_softmax(logits.astype(np.float64), axis=-1)[[0, 1, 2], 0, targets[:, 0]]
    np.testing.assert_allclose(cross_entropy(targets, logits)[:, 0], expected, rtol=1e-12)
    assert cross_entropy(targets, logits)[:2, 0] == pytest.approx([2e4, np.log(3)], rel=1e-12)


def test_chance_is_the_most_frequent_class_of_what_is_scored():
    whole = joined(CLASSES.split("test"))
    counts = [whole.weights[whole.targets == target].sum() for target in range(4)]
    assert CLASSES.memoryless() == pytest.approx(max(counts) / sum(counts))
    assert CLASSES.memoryless("validation") != CLASSES.memoryless()


def test_chance_counts_the_weights():
    class Weighted(Lookup):
        def split(self, name):
            targets = np.int32([[0, 1], [0, 2], [0, 1]])
            yield Stream(targets, weights=np.float32([[1, 1], [0, 2], [0, 4]]), scored=np.full((3, 2), True))
            yield Stream(np.int32([[0, 3]]), weights=np.float32([[9, 2]]), scored=np.array([[False, True]]))

    # 1 of class 0, 5 of class 1, 2 of class 2, 2 of class 3.
    assert Weighted(lag=0).memoryless() == 0.5
