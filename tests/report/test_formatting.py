"""Numbers and names as a reader sees them."""

from __future__ import annotations

import math

import pytest

from rnnbench.report.formatting import as_typed, listed, number, sentences, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sentiment (imdb_reviews)", "sentiment-imdb_reviews"),
        ("mnist_pixels, permuted=True", "mnist_pixels-permuted-true"),
        ("a/b", "a-b-c14cddc0"),
        ("نموذج", "9c7bcb59"),
        ("m" * 300, f"{'m' * 80}-"),
    ],
)
def test_slugs_are_short_and_different(text, expected):
    assert slug(text).startswith(expected)
    assert len(slug(text)) <= 89
    assert slug("a/b") != slug("a?b")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.500"), (0, "0"), (1234.5, "1,234"), (-0.25, "−0.250"), (0.00012, "1.20e−4"), (2.5e6, "2.50e6"),
        (math.nan, "–"), (math.inf, "–"), (None, "–"),
    ],
)  # fmt: skip
def test_a_measured_value_has_three_digits(value, text):
    assert number(value) == text


def test_a_setting_is_shown_as_typed():
    assert [as_typed(value) for value in (1e-3, 0.03, 1.0)] == ["0.001", "0.03", "1"]


def test_lists_and_sentences():
    assert listed(iter("abc")) == "a, b and c"
    assert listed(["a"]) == "a"
    assert sentences("One.", "", "Two.") == "One. Two."
