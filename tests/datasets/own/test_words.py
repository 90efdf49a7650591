"""Token ids of texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.datasets.own import words


def encoded(texts, vocabulary, length, tokens="words"):
    known = words.Vocabulary(texts["train"], vocabulary, tokens)
    return {split: known.ids(some, length) for split, some in texts.items()}


ALPHABET = st.text("ab ,É\n", max_size=12)


def test_padding_stands_in_front():
    ragged = np.array([np.array([5, 6, 7]), np.array([8]), np.array([], dtype=int)], dtype=object)
    assert words.last_tokens(ragged, 2).tolist() == [[6, 7], [0, 8], [0, 0]]


def test_ids_are_of_the_training_texts_by_frequency():
    texts = {"train": ["b a, a!", "A c"], "test": ["new a", "", "?!"]}
    found = encoded(texts, 100, 3)
    assert found["train"][0].tolist() == [found["train"][0][0], 2, 2]
    assert found["train"].dtype == np.int32
    assert found["test"].tolist() == [[0, 1, 2], [0, 0, 0], [0, 0, 0]]
    assert words.Vocabulary(texts["train"], 100).names[:3] == ["", "(unknown)", "a"]


def test_characters_stand_as_they_are():
    found = encoded({"train": ["aab", "a B"], "test": ["B?"]}, 100, 4, "characters")
    assert found["train"][0].tolist()[:3] == [0, 2, 2]
    assert len(np.unique(found["train"])) == 5
    assert found["test"][0].tolist() == [0, 0, found["train"][1][-1], 1]


def test_texts_beyond_a_chunk_are_encoded_alike(monkeypatch):
    texts = {"train": [f"w{i % 7} x" for i in range(50)], "test": ["x w3", "", "w1 w2 w4"]}
    whole = encoded(texts, 9, 2)
    monkeypatch.setattr(words, "_CHUNK", 3)
    for split, found in encoded(texts, 9, 2).items():
        assert np.array_equal(found, whole[split])


@settings(max_examples=20)
@given(st.lists(ALPHABET, min_size=1, max_size=6).filter(any), st.integers(1, 8))
def test_characters_of_training_texts_come_back(texts, length):
    found = encoded({"train": texts}, 1000, length, "characters")["train"]
    by_id = {}
    for text, row in zip(texts, found, strict=True):
        kept = text[-length:]
        assert (row[: length - len(kept)] == 0).all()
        for sign, number in zip(kept, row[length - len(kept) :], strict=True):
            assert number > 1
            assert by_id.setdefault(int(number), sign) == sign


@pytest.mark.parametrize(("tokens", "allowed"), [([[0, 2, 2, 3]], {2, 3}), ([[0, 0]], {1})])
def test_what_is_drawn_has_the_frequencies_of_the_tokens(tokens, allowed):
    cumulative = words.cumulative_frequency(np.array(tokens))
    found = words.drawn(cumulative, np.random.default_rng(0), 100, 60)
    assert (found.shape, found.dtype) == ((100, 60), np.int32)
    assert set(np.unique(found).tolist()) == allowed
    if len(allowed) == 2:
        assert np.mean(found == 2) == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize("text", ["", " ", "?!", "-- ...\n", "a", "1", "É", " b.", "你好", "!\t?"])
def test_a_text_holds_tokens_exactly_if_the_layer_finds_some(text):
    for tokens in ("words", "characters"):
        found = encoded({"train": ["some words"], "test": [text]}, 10, 3, tokens)["test"]
        assert bool(found.any()) == words.holds_tokens(text, tokens)
