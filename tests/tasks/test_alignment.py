"""CTC against the sum over all paths, and against Keras, as collapsing; edit distances against a recursion."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

from rnnbench.execution.base import quiet_tensorflow
from rnnbench.tasks.alignment import collapsed, ctc_nats, edit_distances

quiet_tensorflow()

BLANK = 3
TARGETS = {(): 0.7, (0,): 1.0, (1, 2): 1.5, (2, 2): 0.3, (0, 1, 0): 2.0, (1, 1, 1): 1.0, (0, 1, 2): 5.0}
"""And the spread of the logits."""


def collapse(path):
    return tuple(label for label, _ in itertools.groupby(path) if label != BLANK)


def padded(strings, width):
    return np.array([[*one, *[BLANK] * (width - len(one))] for one in strings], np.int32)


def logits_of(steps):
    rng = np.random.default_rng(steps)
    return np.stack([spread * rng.normal(size=(steps, BLANK + 1)) for spread in TARGETS.values()])


@pytest.mark.parametrize("steps", [1, 3, 5, 6])
def test_ctc_is_the_sum_over_all_paths(steps):
    logits = logits_of(steps)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = np.zeros(len(TARGETS))
    for path in itertools.product(range(BLANK + 1), repeat=steps):
        for at, target in enumerate(TARGETS):
            if collapse(path) == target:
                expected[at] += probabilities[at, np.arange(steps), path].prod()
    lengths = np.array([len(target) for target in TARGETS])
    found = ctc_nats(padded(TARGETS, max(3, steps)), lengths, logits, BLANK)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(found, -np.log(expected), rtol=1e-12)


def test_keras_finds_the_same_loss_compiled_or_not_and_a_gradient():
    import tensorflow as tf
    from keras import ops

    strings = [target for target in TARGETS if target]
    lengths = np.array([len(target) for target in strings], np.int32)
    targets, logits = padded(strings, 7), logits_of(7)[1:].astype(np.float32)
    expected = ctc_nats(targets, lengths, logits, BLANK)

    def losses(outputs):
        steps = np.full(len(strings), 7, np.int32)
        return ops.ctc_loss(targets, outputs, lengths, steps, mask_index=BLANK)

    def gradient(outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            summed = tf.reduce_sum(losses(outputs))
        return tape.gradient(summed, outputs)

    np.testing.assert_allclose(losses(logits), expected, rtol=1e-5)
    compiled = tf.function(gradient, jit_compile=True)(tf.constant(logits)).numpy()
    step = 1e-5
    for place in ((0, 0, 0), (2, 3, 1), (5, 6, BLANK)):
        moved = np.zeros(logits.shape)
        moved[place] = step
        ahead, behind = (ctc_nats(targets, lengths, logits + sign * moved, BLANK) for sign in (1, -1))
        assert compiled[place] == pytest.approx((ahead - behind)[place[0]] / (2 * step), rel=1e-3, abs=1e-5)


def test_paths_collapse_as_they_do_in_keras():
    from keras import ops

    rng = np.random.default_rng(0)
    logits = rng.normal(size=(300, 6, BLANK + 1)).astype(np.float32)
    paths = logits.argmax(axis=-1)
    found, counts = collapsed(paths, BLANK)
    assert [tuple(row[:count]) for row, count in zip(found, counts, strict=True)] == [collapse(path) for path in paths]
    assert all((row[count:] == BLANK).all() for row, count in zip(found, counts, strict=True))
    decoded = ops.convert_to_numpy(ops.ctc_decode(logits, np.full(300, 6), mask_index=BLANK)[0])[0]
    np.testing.assert_array_equal(np.where(decoded < 0, BLANK, decoded), found)


def test_edit_distances_by_hand():
    cases = {("kitten", "sitting"): 3, ("saturday", "sunday"): 3, ("", "abc"): 3, ("abc", ""): 3, ("", ""): 0,
             ("aba", "bab"): 2, ("abcd", "abcd"): 0, ("ab", "ba"): 2}  # fmt: skip
    for (one, other), expected in cases.items():
        a, b = (np.array([[ord(letter) for letter in word] + [0] * (9 - len(word))]) for word in (one, other))
        found = edit_distances(a, np.array([len(one)]), b, np.array([len(other)]))
        assert found.tolist() == [expected]


def test_edit_distances_of_many_are_those_of_a_recursion():
    rng = np.random.default_rng(1)
    one, other = rng.integers(3, size=(200, 5)), rng.integers(3, size=(200, 4))
    lengths, other_lengths = rng.integers(6, size=200), rng.integers(5, size=200)

    @cache
    def distance(a, b):
        if not a or not b:
            return len(a) + len(b)
        return min(distance(a[1:], b[1:]) + (a[0] != b[0]), 1 + distance(a[1:], b), 1 + distance(a, b[1:]))

    expected = [
        distance(tuple(a[:n].tolist()), tuple(b[:m].tolist()))
        for a, n, b, m in zip(one, lengths, other, other_lengths, strict=True)
    ]
    assert edit_distances(one, lengths, other, other_lengths).tolist() == expected
    table = edit_distances(one[:, None], lengths[:, None], other, other_lengths)
    assert table.shape == (200, 200)
    assert np.diag(table).tolist() == expected
