"""Captioning: pictures, captions, what is fed back, and the levels; on synthetic digits and on MNIST's."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from rnnbench.tasks import two_digits
from rnnbench.tasks.captioning import Captioning
from rnnbench.tasks.examples import Examples
from rnnbench.tasks.stream import Stream, joined
from rnnbench.tasks.two_digits import DIGITS, STEPS, WORDS, Pictures

WIDTH = 16 + 2
"""Channels of the words, the blank and the marker."""


def made(lag: int = 3, **settings: Any) -> Captioning:
    return Captioning(lag=lag, source="synthetic", **settings)


def flat_digits() -> Examples:
    """One picture of each digit: all its pixels are (1 + digit) / 10."""
    shades = (1 + np.arange(10, dtype=np.float32)) / 10
    return Examples(np.broadcast_to(shades[:, None, None], (10, 14, 14)), np.arange(10))


def test_sizes_are_known_without_data():
    vector, rows = Captioning(lag=4), Captioning(lag=4, image="rows")
    assert (vector.layout, vector.ports, vector.outputs) == ((1, 4, 5), (784 + WIDTH, 0, 0), 16)
    assert (rows.layout, rows.ports, rows.outputs) == ((28, 4, 5), (28 + WIDTH, 0, 0), 16)


def test_a_picture_shows_a_bright_digit_where_the_caption_says():
    pictures = two_digits.drawn(flat_digits(), np.random.default_rng(0), 200, once=False)
    centres = {0: ((14, 7), (14, 21)), 1: ((14, 21), (14, 7)), 2: ((7, 14), (21, 14)), 3: ((21, 14), (7, 14))}
    for pixels, first, relation, second in zip(*pictures, strict=True):
        (a, b), (c, d) = centres[relation]
        assert pixels[a, b] == np.float32((1 + first) / 10)
        assert pixels[c, d] == np.float32((1 + second) / 10) / 2
        assert pixels.sum() == pytest.approx(196 * ((1 + first) / 10 + (1 + second) / 20), rel=1e-5)
    assert set(pictures.relation) == {0, 1, 2, 3}
    assert set(pictures.first) == set(pictures.second) == set(range(10))


def test_captions_name_the_bright_digit_first_and_end():
    pictures = Pictures(np.zeros((4, 28, 28)), np.array([7, 0, 9, 1]), np.arange(4), np.array([3, 0, 8, 2]))
    words, weights = two_digits.captions(pictures)
    said = [[WORDS[word] for word in caption] for caption in words]
    assert said == [
        ["seven", "left", "of", "three", "(end)"],
        ["zero", "right", "of", "zero", "(end)"],
        ["nine", "above", "eight", "(end)", "(end)"],
        ["one", "below", "two", "(end)", "(end)"],
    ]
    assert weights.tolist() == [[1] * 5, [1] * 5, [1, 1, 1, 1, 0], [1, 1, 1, 1, 0]]
    assert [two_digits.text(caption) for caption in words[1:3]] == ["zero right of zero", "nine above eight"]
    assert two_digits.text(words[0, :4]) == "seven left of three"


def test_halved_are_means_of_four_pixels():
    image = np.arange(784, dtype=np.float32).reshape(1, 28, 28)
    small = two_digits.halved(image)
    assert small.shape == (1, 14, 14)
    assert small[0, 0, 0] == np.mean([0, 1, 28, 29])
    assert small[0, 13, 2] == np.mean([26 * 28 + 4, 26 * 28 + 5, 27 * 28 + 4, 27 * 28 + 5])


@pytest.mark.parametrize("image", ["vector", "rows"])
@pytest.mark.parametrize("filler", ["zeros", "blank", "distractor"])
def test_picture_filler_marker_and_the_words_before(image, filler):
    task = made(lag=6, image=image, filler=filler, test_examples=30)
    stream, pictures = joined(task.split("test")), task.examples("test").evidence
    steps, pixels = task.layout.evidence, pictures.shape[-1]
    np.testing.assert_array_equal(stream.features[:, :steps, :pixels], pictures)
    assert not stream.features[:, :steps, pixels:].any()
    between = stream.features[:, steps : steps + 6]
    if filler == "distractor":
        assert set(np.unique(between[..., :pixels])) <= set(np.unique(task.examples("train").evidence))
        assert between[..., :pixels].mean() == pytest.approx(task.examples("train").evidence.mean(), rel=0.2)
        assert not between[..., pixels:].any()
    else:
        assert (between == (np.eye(pixels + WIDTH)[-2] if filler == "blank" else 0)).all()
    asked = stream.features[:, -STEPS:]
    assert (asked[:, 0] == np.eye(pixels + WIDTH)[-1]).all()
    np.testing.assert_array_equal(asked[:, 1:], np.eye(pixels + WIDTH)[pixels + stream.targets[:, :-1]])


def test_the_same_pictures_at_every_lag_and_in_both_shapes():
    one, other = made(lag=2, image="rows"), made(lag=9, image="vector", filler="zeros")
    for a, b in (
        (one.train_batch(1, 2, 8), other.train_batch(1, 2, 8)),
        (joined(one.split("test")), joined(other.split("test"))),
    ):
        np.testing.assert_array_equal(a.features[:, :28, :28].reshape(len(a.targets), -1), b.features[:, 0, :784])
        np.testing.assert_array_equal(a.targets, b.targets)
        np.testing.assert_array_equal(a.weights, b.weights)


def test_no_digit_stands_in_two_pictures_of_a_split():
    digits = Examples(
        np.arange(1, 21, dtype=np.float32)[:, None, None] * np.ones((1, 14, 14), np.float32), np.arange(20) % 10
    )
    pictures = two_digits.drawn(digits, np.random.default_rng(1), 10, once=True)
    shown = [pixels[pixels > 0].tolist() for pixels in pictures.pixels]
    bright = [max(one) if one.count(max(one)) == 196 else 0 for one in shown]
    assert len({frozenset(one) for one in shown}) == 10
    assert len(set(bright)) >= 9
    with pytest.raises(ValueError, match="test_examples can be at most 5,000: there are 10,000 digits"):
        Captioning(lag=1, test_examples=5_001)


def test_a_caption_is_right_up_to_its_end():
    task = made(test_examples=40)
    stream = joined(task.split("test"))
    outputs = 9 * np.eye(16)[stream.targets]
    short = np.flatnonzero(stream.weights[:, -1] == 0)
    outputs[short, -1] = np.eye(16)[3]
    assert (task.scores(stream, outputs)["exact_match"] == 1).all()
    outputs[short[0], 1] = np.eye(16)[3]
    scores = task.scores(stream, outputs)
    assert np.flatnonzero(scores["exact_match"] == 0).tolist() == [short[0]]
    assert scores["accuracy"][short[0]] == 0.75
    shown = task.display()
    assert shown.answered(outputs[short[1]]) == shown.told(stream.targets[short[1]])
    assert shown.answered(outputs[short[0]]) != shown.told(stream.targets[short[0]])


def test_levels_are_the_majority_and_regressions_that_were_fitted_elsewhere():
    task = made()
    levels = task.levels()
    said = [tuple(caption) for caption in task.examples("test").targets.tolist()]
    assert levels["memoryless"] == levels["majority caption"] == max(map(said.count, said)) / 250
    assert levels["guess"] == 1 / 400 == 1 / len(list(itertools.product(DIGITS, range(4), DIGITS)))
    assert 0.9 < levels["reference"] == task.at_lag(7).reference() < 1
    assert made(filler="zeros", image="rows").reference() == levels["reference"]


def test_regressions_read_what_is_there():
    """Digits that one pixel tells are told right; the brightness of the other one stays out of it."""
    evidence = np.zeros((10, 14, 14), np.float32)
    evidence[np.arange(10), 7, 2 + np.arange(10)] = 1
    digits = Examples(evidence, np.arange(10))
    train, held, test = (
        two_digits.drawn(digits, np.random.default_rng(seed), n, once=False)
        for seed, n in ((0, 900), (1, 300), (2, 300))
    )
    found = two_digits.told_by_regressions(
        train, held, {"right": test, "wrong": test._replace(second=(test.second + 1) % 10)}
    )
    assert found == {"right": 1.0, "wrong": 0.0}


def test_who_knows_the_picture_says_its_caption_from_the_words_that_are_fed_back():
    """Free-running: which word comes next is told by the words before, none of which the teacher gives."""
    task = made(lag=4, image="rows", test_examples=60)
    stream, pictures = joined(task.split("test")), task._pictures("test")
    features = stream.features[:, : task.layout.first_readout + 1]
    outputs = np.zeros((60, STEPS, 16), np.float32)
    for step in range(STEPS):
        for at, (first, relation, second) in enumerate(
            zip(pictures.first, pictures.relation, pictures.second, strict=True)
        ):
            before = WORDS[features[at, -1, 28:44].argmax()] if step else "(marker)"
            beside = ("left", "right", "above", "below")[relation]
            following = {"(marker)": DIGITS[first], "left": "of", "right": "of", "(end)": "(end)"}
            following |= dict.fromkeys(("of", "above", "below"), DIGITS[second])
            word = following.get(before, beside if step == 1 else "(end)")
            outputs[at, step, WORDS.index(word)] = 1
        features = np.concatenate([features, task.fed_back(outputs[:, step])["features"][:, None]], axis=1)
    np.testing.assert_array_equal(features[:, :-1], stream.features)
    assert task.scores(stream, outputs)["exact_match"].all()


def test_the_marker_can_be_replaced_by_filler():
    task = made(lag=5, filler="blank", test_examples=20)
    stream: Stream = joined(task.split("test"))
    found = task.without_marker(stream)
    assert np.flatnonzero((found.features != stream.features).any(axis=(0, 2))).tolist() == [stream.steps - STEPS]
    assert (found.features[:, -STEPS, -2:] == [1, 0]).all()


@pytest.mark.real_data
def test_of_mnist_the_splits_are_of_other_digits_and_have_the_levels_that_were_measured():
    task = Captioning(lag=0)
    levels = task.levels()
    assert levels["memoryless"] == 13 / 2000
    assert levels["reference"] == pytest.approx(0.791, abs=0.01)
    assert task.asks_memory()
    halves = {
        split: {part.tobytes() for part in task.examples(split).evidence} for split in ("train", "validation", "test")
    }
    assert [len(halves[split]) for split in halves] == [10_000, 1_000, 2_000]
    assert not halves["train"] & halves["validation"]
    assert not halves["validation"] & halves["test"]
