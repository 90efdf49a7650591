"""Sentiment: is a film review positive? IMDB (Maas et al. 2011), with a lag between the review and the question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.registry import register_task
from rnnbench.tasks.base import Layout, Tokens
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples, one_class_problem, too_few_prepared

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Splits = dict[str, Examples]

_SIZES = {
    "imdb_reviews": {"train": 20_000, "validation": 5_000, "test": 25_000},
    "synthetic": {"train": 2_000, "validation": 500, "test": 500},
}
_LABELLED = 25_000
"""Reviews of IMDB's train split, which validation is taken from, and of its test split."""
_FIRST_LABELS = {"train": (0, 0, 1), "test": (1, 0)}
"""Of the reviews that a part of each of IMDB's splits begins with: until there are two classes."""


@register_task("sentiment")
class Sentiment(DatasetClassificationTask):
    """Positive (1) or negative (0), asked after the last `evidence` words of a review and the lag.

    Token ids: 0 padding (in front of short reviews), 1 any word outside the vocabulary, then the words of the training
    reviews by falling frequency, then the blank and the marker. A distractor is a word drawn as often as the training
    reviews have it. Validation reviews are a fixed random part of IMDB's train split, which training never sees.
    """

    source: Literal["imdb_reviews", "synthetic"] = "imdb_reviews"
    """`imdb_reviews`, or `synthetic`: words of two polarities among neutral ones."""
    vocabulary: int = Field(10_000, ge=100)
    """How many ids, padding and out-of-vocabulary included; blank and marker come on top."""
    evidence: int = Field(100, ge=1)
    """Words kept from the end of a review."""
    embedding: int = Field(32, ge=1)
    """Width of the word embedding."""
    train_examples: int | None = Field(None, ge=1)
    """Default: 20,000 reviews, or 2,000 synthetic ones."""
    validation_examples: int | None = Field(None, ge=1)
    """Default: 5,000 reviews, or 500 synthetic ones."""
    test_examples: int | None = Field(None, ge=1)
    """A fixed random part of the test split; default: all 25,000 reviews, or 500 synthetic ones."""

    @model_validator(mode="after")
    def _enough_reviews(self) -> Sentiment:
        if self.source == "imdb_reviews":
            if self._size("train") + self._size("validation") > _LABELLED:
                raise ValueError(f"train_examples and validation_examples share {_LABELLED:,} reviews")
            if self._size("test") > _LABELLED:
                raise ValueError(f"test_examples can be at most {_LABELLED:,}")
        return self

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.evidence, lag=self.lag, readout=1)

    @property
    def inputs(self) -> Tokens:
        return Tokens(vocabulary=self.vocabulary + 2, width=self.embedding)

    @property
    def outputs(self) -> int:
        return 2

    def split_sizes(self) -> dict[str, int]:
        return {split: self._size(split) for split in ("train", "validation", "test")}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        # The bag of words is fitted to the training reviews; chance is that of the test reviews.
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

    def distractors(self, rng: np.random.Generator, n: int) -> np.ndarray:
        cumulative = _cumulative_frequency(*self._data)
        return np.searchsorted(cumulative, rng.random((n, self.lag)), side="right").astype(np.int32)

    def levels(self) -> dict[str, float]:
        """Chance, and a bag of words: logistic regression on tf-idf of the very words that the networks read."""
        return {"chance": self.memoryless(), "bag_of_words": _bag_of_words(*self._data)}

    def _size(self, split: str) -> int:
        return getattr(self, f"{split}_examples") or _SIZES[self.source][split]

    @property
    def _data(self) -> tuple[str, int, int, int, int, int]:
        """What decides the examples without their lag: the arguments of the cached functions below."""
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
    """Share of the training words with an id up to each; padding counts for nothing, the last entry is 1."""
    tokens = _splits(*data)["train"].evidence
    counts = np.bincount(tokens[tokens > 0], minlength=1)
    if not counts.any():
        # A handful of synthetic reviews of one word may have lost it: any word outside the vocabulary.
        counts = np.array([0, 1])
    return np.cumsum(counts) / counts.sum()


@in_memory(maxsize=8)
def _bag_of_words(source: str, vocabulary: int, *sizes: int) -> float:
    """Accuracy on the test split."""

    def fit() -> dict[str, np.ndarray]:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        splits = _splits(source, vocabulary, *sizes)
        train, test = splits["train"], splits["test"]
        if len(labels := np.unique(train.targets)) == 1:
            return {"accuracy": np.mean(test.targets == labels)}
        classifier = make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(max_iter=1000))
        classifier.fit(_counts(train.evidence, vocabulary), train.targets)
        return {"accuracy": np.array(classifier.score(_counts(test.evidence, vocabulary), test.targets))}

    if source == "synthetic":
        return float(fit()["accuracy"])
    key = {
        "version": Sentiment.version,
        "data": catalogue.fingerprint(source),
        "vocabulary": vocabulary,
        "sizes": sizes,
    }
    return float(cached("bag-of-words", key, fit)["accuracy"])


def _counts(tokens: np.ndarray, vocabulary: int) -> csr_matrix:
    """Bag of words: how often each id but padding stands in each review, (reviews, vocabulary)."""
    from scipy.sparse import csr_matrix

    example, position = np.nonzero(tokens)
    ones = np.ones(len(example), dtype=np.float32)
    return csr_matrix((ones, (example, tokens[example, position])), shape=(len(tokens), vocabulary))


def _vectorised(sizes: dict[str, int], vocabulary: int, evidence: int) -> dict[str, np.ndarray]:
    import keras

    texts, labels = {}, {}
    for split in ("train", "test"):
        rows = list(reading.rows("imdb_reviews", split))
        # Markup of the review pages, which would otherwise become the word "br".
        texts[split] = np.array([row["text"].decode().replace("<br />", " ") for row in rows], dtype=object)
        labels[split] = np.array([row["label"] for row in rows], dtype=np.int32)
    order = np.random.default_rng(0).permutation(len(labels["train"]))
    chosen = {
        "train": ("train", order[: sizes["train"]]),
        # From the other end, so that the number of training reviews does not change the validation reviews.
        "validation": ("train", order[len(order) - sizes["validation"] :]),
        "test": ("test", np.random.default_rng(1).permutation(len(labels["test"]))[: sizes["test"]]),
    }
    vectorization = keras.layers.TextVectorization(max_tokens=vocabulary, ragged=True)
    vectorization.adapt(list(texts["train"][chosen["train"][1]]))
    arrays = {}
    for split, (origin, index) in chosen.items():
        arrays[f"{split}_tokens"] = last_words(vectorization(list(texts[origin][index])).numpy(), evidence)
        arrays[f"{split}_labels"] = labels[origin][index]
    return arrays


def last_words(reviews: np.ndarray, evidence: int) -> np.ndarray:
    """The last `evidence` ids of each review, (reviews, evidence) int32, with 0 in front of short ones."""
    tokens = np.zeros((len(reviews), evidence), dtype=np.int32)
    for row, review in zip(tokens, reviews, strict=True):
        kept = review[-evidence:]
        row[evidence - len(kept) :] = kept
    return tokens


def _synthetic_labels(split: str, n: int) -> tuple[np.random.Generator, np.ndarray]:
    """The labels, and the generator after them."""
    rng = np.random.default_rng([2, ["train", "validation", "test"].index(split)])
    return rng, rng.integers(0, 2, size=n).astype(np.int32)


def _synthetic(split: str, n: int, vocabulary: int, evidence: int) -> Examples:
    """Reviews of neutral words, as frequent as words are (Zipf), with some words of the label's polarity.

    Three words in ten have a polarity, one of those in ten the wrong one; ids 2 to 41 are negative, positive by turns.
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
