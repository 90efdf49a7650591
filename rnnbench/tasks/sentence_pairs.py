"""Sentences and their translations as ids: of Multi30k, and of two made-up languages in its place."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import cached, in_memory

PADDING, UNKNOWN_SOURCE = 0, 1
"""Ids of the source language; then come its words."""
END, UNKNOWN = 0, 1
"""Ids of the target language; then come its words."""
NAMES = {"source": ("", "(unknown)"), "target": ("(end)", "(unknown)")}
SPLITS = ("train", "validation", "test")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_VERSION = 1
"""Raise it when tokens, vocabularies or ids change: what is stored is then computed again."""
_LEAST_COUNT = 2
_MADE_WORDS, _MADE_LONGEST, _MADE_SIZES = 40, 6, {"train": 2_000, "validation": 250, "test": 250}


class Pairs(NamedTuple):
    """Sentences of one split."""

    source: np.ndarray
    """(n, longest) int32, padded in front."""
    target: np.ndarray
    """(n, answer) int32, with ends behind the end."""
    weights: np.ndarray
    """(n, answer) float32: 1 up to the end, 0 behind it."""


class Shape(NamedTuple):
    """What sentences are cut to."""

    vocabulary: int
    """Ids of each language."""
    longest: int
    """Tokens of a source sentence, from its beginning."""
    answer: int
    """Tokens of a target sentence with its end, from its beginning."""


def tokens(text: str) -> list[str]:
    """In lower case, words (letters, digits and underscores) and every other sign for itself."""
    return _TOKEN.findall(text.lower())


def vocabulary(sentences: Iterable[Sequence[str]], size: int) -> list[str]:
    """The most frequent tokens of sentences, at most `size`, without those that are met only once; ties by spelling."""
    counts = Counter(token for sentence in sentences for token in sentence)
    known = [token for token, count in counts.items() if count >= _LEAST_COUNT]
    return sorted(known, key=lambda token: (-counts[token], token))[:size]


def encoded(
    source: Sequence[Sequence[str]], target: Sequence[Sequence[str]], names: dict[str, list[str]], shape: Shape
) -> Pairs:
    """Sentences as ids; `names`: the name of each id of both languages."""
    ids = {language: {name: at for at, name in enumerate(of)} for language, of in names.items()}
    n = len(source)
    read = np.full((n, shape.longest), PADDING, dtype=np.int32)
    said, weights = np.full((n, shape.answer), END, dtype=np.int32), np.zeros((n, shape.answer), dtype=np.float32)
    for at, (given, wanted) in enumerate(zip(source, target, strict=True)):
        kept = [ids["source"].get(token, UNKNOWN_SOURCE) for token in given[: shape.longest]]
        read[at, shape.longest - len(kept) :] = kept
        asked = [ids["target"].get(token, UNKNOWN) for token in wanted[: shape.answer]]
        said[at, : len(asked)] = asked
        weights[at, : len(asked) + 1] = 1
    return Pairs(read, said, weights)


def pairs(source: str, shape: Shape) -> dict[str, Pairs]:
    """The sentences of each split."""
    found = _arrays(source, shape)
    return {split: Pairs(*(found[f"{split}_{part}"] for part in Pairs._fields)) for split in SPLITS}


def names(source: str, shape: Shape) -> dict[str, list[str]]:
    """The name of each id of `source` and `target`."""
    found: dict[str, list[str]] = json.loads(_arrays(source, shape)["names"].tobytes())
    return found


@in_memory(maxsize=2)
def _arrays(source: str, shape: Shape) -> dict[str, np.ndarray]:
    if source == "synthetic":
        return _compute({split: made_up(split, n, shape) for split, n in _MADE_SIZES.items()}, shape)
    catalogue.check(source)
    key = {"version": _VERSION, "data": catalogue.fingerprint(source), **shape._asdict()}
    return cached("translation", key, lambda: _compute({split: _read(source, split) for split in SPLITS}, shape))


def _read(source: str, split: str) -> tuple[list[list[str]], list[list[str]]]:
    rows = list(reading.rows(source, split))
    german, english = ([tokens(row[language].decode()) for row in rows] for language in ("de", "en"))
    return german, english


def _compute(sentences: dict[str, tuple[list[list[str]], list[list[str]]]], shape: Shape) -> dict[str, np.ndarray]:
    known = {
        language: [*NAMES[language], *vocabulary(of_language, shape.vocabulary - len(NAMES[language]))]
        for language, of_language in zip(("source", "target"), sentences["train"], strict=True)
    }
    found = {"names": np.frombuffer(json.dumps(known).encode(), dtype=np.uint8)}
    for split, (source, target) in sentences.items():
        parts = encoded(source, target, known, shape)._asdict()
        found |= {f"{split}_{name}": part for name, part in parts.items()}
    return found


def made_up(split: str, n: int, shape: Shape) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences of random words, of which one language says last what the other says second.

    Words are drawn with Zipf's frequencies, each has one translation, and a full stop ends a sentence.
    """
    rng = np.random.default_rng([9, SPLITS.index(split)])
    frequency = 1 / np.arange(1, _MADE_WORDS + 1)
    lengths = rng.integers(3, _MADE_LONGEST + 1, size=n)
    source, target = [], []
    for length in lengths:
        first, second, *others = rng.choice(_MADE_WORDS, size=length, p=frequency / frequency.sum())
        source.append([*(f"wort{word}" for word in (first, *others, second)), "."])
        target.append([*(f"word{word}" for word in (first, second, *others)), "."])
    return source, target
