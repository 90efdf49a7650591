"""Sentiment: is a film review positive? IMDB (Maas et al. 2011), with a lag between the review and the readout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.datasets.own import words
from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples, one_class_problem, too_few_prepared
from rnnbench.tasks.display import Display
from rnnbench.tasks.stream import Layout, Ports

Splits = dict[str, Examples]

_SIZES = {
    "imdb_reviews": {"train": 20_000, "validation": 5_000, "test": 25_000},
    "synthetic": {"train": 2_000, "validation": 500, "test": 500},
}
_LABELLED = 25_000
"""Reviews in IMDB's train split (training and validation share it), and in its test split."""
_FIRST_LABELS = {"train": (0, 0, 1), "test": (1, 0)}
"""Labels of the first reviews of our train and test splits of IMDB, up to the first of a second class."""


@register_task("sentiment")
class Sentiment(DatasetClassificationTask):
    """Classify a review as positive (1) or negative (0) from its last `evidence` words, after a lag.

    Token ids: 0 padding (before short reviews), 1 any word outside the vocabulary, then the words of the training
    reviews by decreasing frequency, then the blank and the marker. A decoy is a word drawn with its frequency in the
    training reviews; beside each token stands the cue, 1 in the review and 0 elsewhere, with every filler. Validation
    reviews are a fixed random part of IMDB's train split, never trained on. Reference: a bag of words.
    """

    # Of the stored reviews, which do not depend on the layout.
    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("blank", "decoy")
    reference_name: ClassVar[str] = "bag of words"

    source: Literal["imdb_reviews", "synthetic"] = "imdb_reviews"
    """`imdb_reviews`, or `synthetic`: reviews of positive and negative words among neutral ones."""
    vocabulary: int = Field(10_000, ge=100)
    """Number of token ids, including padding and out-of-vocabulary; the blank and the marker are extra."""
    evidence: int = Field(100, ge=1)
    """Number of words kept, from the end of each review."""
    embedding: int = Field(32, ge=1)
    """Dimensions of the trained word embedding."""
    train_examples: int | None = Field(None, ge=1)
    """Number of training reviews. Default: 20,000 of IMDB, or 2,000 synthetic."""
    validation_examples: int | None = Field(None, ge=1)
    """Number of validation reviews. Default: 5,000 of IMDB, or 500 synthetic."""
    test_examples: int | None = Field(None, ge=1)
    """Number of test reviews, a fixed random part of the test split. Default: all 25,000 of IMDB, or 500 synthetic."""

    @model_validator(mode="after")
    def _enough_reviews(self) -> Sentiment:
        if self.source == "imdb_reviews":
            if self._size("train") + self._size("validation") > _LABELLED:
                raise ValueError(f"train_examples and validation_examples can add up to at most {_LABELLED:,} reviews")
            if self._size("test") > _LABELLED:
                raise ValueError(f"test_examples can be at most {_LABELLED:,}")
        return self

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.evidence, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.token_ports(self.vocabulary, self.embedding)

    @property
    def outputs(self) -> int:
        return 2

    def display(self) -> Display:
        """Tokens are the words of the vocabulary."""
        return replace(super().display(), kind="words", words=self._words, padding=0, classes=("negative", "positive"))

    def _words(self, tokens: np.ndarray) -> Sequence[str]:
        if self.source == "synthetic":
            return [_synthetic_word(int(token)) for token in tokens]
        known = _vocabulary(self._size("train"), self.vocabulary)
        return [str(known[token]) if token < len(known) else f"#{token}" for token in tokens]

    def split_sizes(self) -> dict[str, int]:
        return {split: self._size(split) for split in ("train", "validation", "test")}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        # Training reviews of two classes for the bag of words to fit, test reviews of two for chance to be below 1.
        for split in ("train", "test"):
            yield from one_class_problem(split, self._size(split), lambda n, split=split: self._labels(split, n))  # type: ignore[misc]
        train = self._size("train") + self._size("validation")
        yield from too_few_prepared(self.source, "train", train, "train_examples")
        yield from too_few_prepared(self.source, "test", self._size("test"), "test_examples")
        yield from super().problems(batch_size)

    def _labels(self, split: str, n: int) -> np.ndarray:
        return _synthetic_labels(split, n)[1] if self.source == "synthetic" else np.array(_FIRST_LABELS[split][:n])

    def examples(self, split: str) -> Examples:
        return _splits(*self._data)[split]

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        return words.drawn(_cumulative_frequency(*self._data), rng, n, steps)

    def _size(self, split: str) -> int:
        return getattr(self, f"{split}_examples") or _SIZES[self.source][split]

    @property
    def _data(self) -> tuple[str, int, int, int, int, int]:
        """What determines the examples before the lag is added: the arguments of the cached functions below."""
        sizes = (self._size(split) for split in ("train", "validation", "test"))
        return (self.source, self.vocabulary, self.evidence, *sizes)  # type: ignore[return-value]


@in_memory(maxsize=2)
def _splits(source: str, vocabulary: int, evidence: int, train: int, validation: int, test: int) -> Splits:
    sizes = {"train": train, "validation": validation, "test": test}
    if source == "synthetic":
        return {split: _synthetic(split, n, vocabulary, evidence) for split, n in sizes.items()}
    catalogue.check(source)
    key = {"data": catalogue.fingerprint(source), "vocabulary": vocabulary, "evidence": evidence, **sizes}
    arrays = cached(
        "sentiment", {"version": Sentiment.version, **key}, lambda: _vectorised(sizes, vocabulary, evidence)
    )
    return {split: Examples(arrays[f"{split}_tokens"], arrays[f"{split}_labels"]) for split in sizes}


@in_memory(maxsize=2)
def _cumulative_frequency(*data: Any) -> np.ndarray:
    """Of the training words."""
    # A few synthetic one-word reviews may be all padding.
    return words.cumulative_frequency(_splits(*data)["train"].evidence)


@in_memory(maxsize=2)
def _vocabulary(train: int, vocabulary: int) -> np.ndarray:
    """The word of each id, by which people read what networks read as numbers; computed once, and stored."""

    def compute() -> dict[str, np.ndarray]:
        texts, _ = _reviews("train")
        chosen = texts[np.random.default_rng(0).permutation(len(texts))[:train]]
        return {"words": np.array(words.Vocabulary(list(chosen), vocabulary).names)}

    catalogue.check("imdb_reviews")
    key = {"data": catalogue.fingerprint("imdb_reviews"), "vocabulary": vocabulary, "train": train}
    return cached("sentiment-words", {"version": Sentiment.version, **key}, compute)["words"]


def _reviews(split: str) -> tuple[np.ndarray, np.ndarray]:
    """The texts of IMDB's train or test split, and their labels."""
    rows = list(reading.rows("imdb_reviews", split))
    # HTML of the review pages; it would become the word "br".
    texts = np.array([row["text"].decode().replace("<br />", " ") for row in rows], dtype=object)
    return texts, np.array([row["label"] for row in rows], dtype=np.int32)


def _vectorised(sizes: dict[str, int], vocabulary: int, evidence: int) -> dict[str, np.ndarray]:
    texts, labels = {}, {}
    for split in ("train", "test"):
        texts[split], labels[split] = _reviews(split)
    order = np.random.default_rng(0).permutation(len(labels["train"]))
    chosen = {
        "train": ("train", order[: sizes["train"]]),
        # From the other end, so that the validation reviews do not depend on the number of training reviews.
        "validation": ("train", order[len(order) - sizes["validation"] :]),
        "test": ("test", np.random.default_rng(1).permutation(len(labels["test"]))[: sizes["test"]]),
    }
    known = words.Vocabulary(texts["train"][chosen["train"][1]], vocabulary)
    arrays = {}
    for split, (origin, index) in chosen.items():
        arrays[f"{split}_tokens"] = known.ids(texts[origin][index], evidence)
        arrays[f"{split}_labels"] = labels[origin][index]
    return arrays


def _synthetic_labels(split: str, n: int) -> tuple[np.random.Generator, np.ndarray]:
    """The generator, advanced past the labels, and the labels."""
    rng = np.random.default_rng([2, ["train", "validation", "test"].index(split)])
    return rng, rng.integers(0, 2, size=n).astype(np.int32)


def _synthetic_word(token: int) -> str:
    """`bad1` and `good1` to `bad20` and `good20`, and `word42`, ..., which say nothing."""
    if token < 2:
        return ("", "(unknown)")[token]
    return f"word{token}" if token >= 42 else f"{('bad', 'good')[token % 2]}{token // 2}"


def _synthetic(split: str, n: int, vocabulary: int, evidence: int) -> Examples:
    """Reviews of neutral words with Zipf frequencies, and some words that carry the polarity of the label.

    30% of the words are polar, 10% of these with the wrong polarity; ids 2 to 41 alternate negative and positive.
    """
    rng, labels = _synthetic_labels(split, n)
    polar = 2 + 2 * rng.integers(0, 20, size=(n, evidence))
    agrees = rng.random((n, evidence)) < 0.9
    polar += np.where(agrees, labels[:, None], 1 - labels[:, None])
    neutral = np.arange(42, vocabulary)
    frequency = 1 / (neutral - 41)
    tokens = rng.choice(neutral, size=(n, evidence), p=frequency / frequency.sum())
    tokens = np.where(rng.random((n, evidence)) < 0.3, polar, tokens)
    length = rng.integers(evidence // 2, evidence + 1, size=n)
    tokens[np.arange(evidence) < evidence - length[:, None]] = 0
    return Examples(tokens.astype(np.int32), labels)
