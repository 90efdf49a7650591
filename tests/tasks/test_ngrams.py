"""N-grams: distributions, against the formula written out, and on a text whose entropy is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rnnbench.tasks.ngrams import NGrams

TEXT = np.array([0, 1, 2, 0, 1, 0, 1, 2, 2, 0])


def by_hand(text: list[int], vocabulary: int, context: list[int], wanted: int) -> float:
    """Witten and Bell's rule, one context at a time."""
    shorter = by_hand(text, vocabulary, context[1:], wanted) if context else 1 / vocabulary
    size = len(context)
    followers = [text[at + size] for at in range(len(text) - size) if text[at : at + size] == context]
    if not followers:
        return by_hand(text, vocabulary, context[1:], wanted)
    kinds = len(set(followers))
    return (followers.count(wanted) + kinds * shorter) / (len(followers) + kinds)


@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_every_context_has_a_distribution_and_it_is_the_formula(size: int) -> None:
    """Also contexts that the text does not have, and a character, 3, that it does not."""
    model = NGrams(TEXT, vocabulary=4, order=3)
    for context in itertools.product(range(4), repeat=size):
        windows = np.array([[*context, wanted] for wanted in range(4)])
        found = 2.0 ** -model.bits(windows)
        expected = [by_hand(TEXT.tolist(), 4, list(context), wanted) for wanted in range(4)]
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert found.sum() == pytest.approx(1, abs=1e-12)


def test_more_characters_than_the_order_change_nothing() -> None:
    model = NGrams(TEXT, vocabulary=3, order=2)
    long = np.array([[2, 2, 0, 1, 2], [1, 0, 0, 1, 2]])
    np.testing.assert_array_equal(model.bits(long), model.bits(long[:, 2:]))


def test_bits_from_a_place_on_look_back_no_further_than_they_may() -> None:
    model = NGrams(TEXT, vocabulary=3, order=3)
    windows = np.array([[0, 1, 2, 2, 0], [2, 0, 1, 0, 1]])
    found = model.bits_from(windows, first=2, seen=2, order=2)
    assert found.shape == (2, 3)
    for at, view in enumerate((slice(2, 3), slice(2, 4), slice(2, 5))):
        np.testing.assert_array_equal(found[:, at], model.bits(windows[:, view]))
    in_view = model.bits_from(windows, first=2, order=2)
    for at in range(3):
        np.testing.assert_array_equal(in_view[:, at], model.bits(windows[:, at : at + 3]))
    np.testing.assert_array_equal(model.bits_from(windows, first=2, order=0), model.bits_from(windows, 2, order=0))


def test_a_markov_chain_has_its_entropy_from_its_order_on() -> None:
    """Each letter is followed by the next one in 3 of 4 cases, else by the one after it: H(1/4) bits."""
    rng = np.random.default_rng(0)
    steps = np.where(rng.random(400_000) < 0.75, 1, 2)
    text = np.cumsum(steps) % 5
    model = NGrams(text[:300_000], vocabulary=5)
    windows = np.lib.stride_tricks.sliding_window_view(text[300_000:], 5)
    entropy = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert model.bits(windows[:, -1:]).mean() == pytest.approx(np.log2(5), abs=0.001)
    for order in (1, 2, 4):
        assert model.bits(windows[:, -1 - order :]).mean() == pytest.approx(entropy, abs=0.01)


def test_a_text_shorter_than_the_order_has_fewer_orders() -> None:
    model = NGrams(np.array([1, 0]), vocabulary=2, order=4)
    # After 1 came 0 once: (1 + 1 x p) / 2, p = (1 + 2 / 2) / 4.
    assert 2.0 ** -model.bits(np.array([[0, 0, 0, 1, 0]]))[0] == pytest.approx(0.75)
