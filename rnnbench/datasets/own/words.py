"""Texts as token ids: 0 padding, 1 any token outside the vocabulary, then those of the training texts by frequency."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

Tokens = Literal["words", "characters"]

_NO_WORD = string.punctuation + string.whitespace

_CHUNK = 10_000
"""Texts whose tokens stand in memory at a time."""


class Vocabulary:
    """The most frequent tokens of training texts, and the ids of any texts."""

    def __init__(self, texts: Sequence[str], size: int, tokens: Tokens = "words") -> None:
        """`size`: number of ids, padding and the unknown token included.

        `words`: in lower case, without punctuation, cut at white space; `characters`: as they stand. One text at least
        must hold a token.
        """
        import keras

        how: dict[str, Any] = {"standardize": None, "split": "character"} if tokens == "characters" else {}
        self._layer = keras.layers.TextVectorization(max_tokens=size, ragged=True, **how)
        # In parts, as a text as a tensor, and its tokens, are a second and third copy of it.
        self._layer.adapt(_parts(texts))

    def ids(self, texts: Sequence[str], length: int) -> np.ndarray:
        """The last `length` tokens of each text, (texts, length) int32; short ones are padded with 0 in front."""
        found = [last_tokens(self._layer(part).numpy(), length) for part in _parts(texts)]
        return np.concatenate([np.zeros((0, length), np.int32), *found])

    @property
    def names(self) -> list[str]:
        """The token of each id: "" for the padding and "(unknown)" for any other than these."""
        return ["", "(unknown)", *self._layer.get_vocabulary()[2:]]


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    for first in range(0, len(texts), _CHUNK):
        yield list(texts[first : first + _CHUNK])


def holds_tokens(text: str, tokens: Tokens) -> bool:
    """Whether a text has a token: any character, or one that is neither ASCII punctuation nor white space."""
    return bool(text if tokens == "characters" else text.strip(_NO_WORD))


def last_tokens(texts: np.ndarray, length: int) -> np.ndarray:
    """The last `length` ids of each text, (texts, length) int32; short texts are padded with 0 in front."""
    tokens = np.zeros((len(texts), length), dtype=np.int32)
    for row, text in zip(tokens, texts, strict=True):
        kept = text[-length:]
        row[length - len(kept) :] = kept
    return tokens


def cumulative_frequency(tokens: np.ndarray) -> np.ndarray:
    """For each id, the share of tokens with that id or a lower one, padding excluded; the last entry is 1.

    All padding: everything is the token outside the vocabulary.
    """
    counts = np.bincount(tokens[tokens > 0], minlength=1)
    if not counts.any():
        counts = np.array([0, 1])
    return np.cumsum(counts) / counts.sum()


def drawn(cumulative: np.ndarray, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
    """(n, steps) int32 ids, drawn with the frequencies of `cumulative_frequency`."""
    return np.searchsorted(cumulative, rng.random((n, steps)), side="right").astype(np.int32)
