"""Texts as token ids: 0 padding, 1 any token outside the vocabulary, then those of the training texts by frequency."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

Tokens = Literal["words", "characters"]

_NO_WORD = string.punctuation + string.whitespace

_CHUNK = 10_000
"""Texts whose tokens stand in memory at a time."""


def encoded(
    texts: Mapping[str, Sequence[str]], vocabulary: int, length: int, tokens: Tokens = "words"
) -> dict[str, np.ndarray]:
    """The last `length` tokens of each text, (texts, length) int32 by split; short ones are padded with 0 in front.

    `vocabulary`: number of ids, which are those of the texts of `train` alone. `words`: in lower case, without
    punctuation, cut at white space; `characters`: as they stand. One training text at least must hold a token.
    """
    import keras

    how: dict[str, Any] = {"standardize": None, "split": "character"} if tokens == "characters" else {}
    layer = keras.layers.TextVectorization(max_tokens=vocabulary, ragged=True, **how)
    # In parts, as a text as a tensor, and its tokens, are a second and third copy of it.
    layer.adapt(_parts(texts["train"]))
    return {
        split: np.concatenate(
            [np.zeros((0, length), np.int32), *(last_tokens(layer(part).numpy(), length) for part in _parts(some))]
        )
        for split, some in texts.items()
    }


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
