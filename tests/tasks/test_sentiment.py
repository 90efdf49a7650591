from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnbench.datasets import catalogue, reading
from rnnbench.errors import UserError
from rnnbench.tasks import sentiment
from rnnbench.tasks.sentiment import Sentiment
from rnnbench.tasks.stream import joined

SYNTHETIC = {"source": "synthetic", "vocabulary": 200, "evidence": 12}
BLANK, MARKER = 200, 201


@pytest.fixture
def reviews(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """Twelve training and six test reviews in place of IMDB; number i ends with the word `trainI` or `testI`."""
    held = {
        split: [
            {"text": f"It was<br />{'good' if i % 2 else 'bad'}, the {split}{i}!".encode(), "label": i % 2}
            for i in range(n)
        ]
        for split, n in (("train", 12), ("test", 6))
    }

    def rows(name: str, split: str) -> Iterator[dict[str, Any]]:
        assert name == "imdb_reviews"
        return iter(held[split])

    monkeypatch.setattr(reading, "rows", rows)
    monkeypatch.setattr(catalogue, "check", lambda name: None)
    monkeypatch.setattr(catalogue, "fingerprint", lambda name: "fixed")
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path))
    for function in (sentiment._splits, sentiment._cumulative_frequency):
        monkeypatch.setattr(sentiment, function.__name__, function.__wrapped__)
    return held


def few(**fields: Any) -> Sentiment:
    sizes = {"train_examples": 7, "validation_examples": 5, "test_examples": 6}
    return Sentiment(**{"lag": 0, "vocabulary": 100, "evidence": 4, **sizes, **fields})


def test_sizes_are_known_without_data() -> None:
    task = Sentiment(lag=30)
    assert task.data_source == "imdb_reviews"
    assert task.layout == (100, 30, 1)
    assert task.ports == (1, 10_002, 32)
    assert task.outputs == 2


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_layout_with_blanks(lag: int) -> None:
    task = Sentiment(lag=lag, **SYNTHETIC)
    stream = task.train_batch(seed=0, step=3, batch_size=8)
    inputs, labels = stream.tokens, stream.targets
    assert (inputs.shape, inputs.dtype) == ((8, 12 + lag + 1), np.int32)
    assert (labels.shape, labels.dtype) == ((8, 1), np.int32)
    assert (stream.features[..., 0] == [1] * 12 + [0] * (lag + 1)).all()
    assert (inputs[:, 12:-1] == BLANK).all()
    assert (inputs[:, -1] == MARKER).all()
    assert inputs[:, :12].max() < BLANK
    assert np.array_equal(inputs[:, :12], Sentiment(lag=0, **SYNTHETIC).train_batch(0, 3, 8).tokens[:, :12])


def test_decoys_are_words_as_frequent_as_in_training() -> None:
    task = Sentiment(lag=400, filler="decoy", **SYNTHETIC)
    inputs = joined(task.split("test")).tokens
    drawn = inputs[:, 12:-1]
    train = task.examples("train").evidence
    shares = np.bincount(train[train > 0], minlength=200) / (train > 0).sum()
    assert (inputs[:, -1] == MARKER).all()
    assert drawn.min() > 0
    assert drawn.max() < BLANK
    assert np.abs(np.bincount(drawn.ravel(), minlength=200) / drawn.size - shares).max() < 0.005


def test_batches_are_a_function_of_seed_and_step() -> None:
    task, again = (Sentiment(lag=6, filler="decoy", **SYNTHETIC) for _ in range(2))
    first = task.train_batch(1, 2, 16).tokens
    task.train_batch(1, 3, 16)
    assert np.array_equal(first, again.train_batch(1, 2, 16).tokens)
    assert not np.array_equal(first, task.train_batch(1, 3, 16).tokens)
    assert not np.array_equal(first, task.train_batch(2, 2, 16).tokens)
    assert np.array_equal(joined(task.split("validation")).tokens, joined(again.split("validation")).tokens)


def test_the_vocabulary_comes_from_the_training_reviews_alone(reviews: dict[str, list]) -> None:
    task = few()
    tokens = {split: task.examples(split).evidence for split in ("train", "validation", "test")}
    assert (tokens["train"] > 1).all()
    assert (tokens["validation"][:, -1] == 1).all()
    assert (tokens["test"][:, -1] == 1).all()
    assert (tokens["test"][:, :-1] > 1).all()


def test_no_review_is_in_two_splits_and_training_size_leaves_validation_alone(reviews: dict[str, list]) -> None:
    reviews["train"] = [{"text": b"w" * (i + 1), "label": i % 2} for i in range(12)]
    # Every review is one word of its own: known to the vocabulary exactly if it is a training review.
    assert len(np.unique(few(evidence=1).examples("train").evidence)) == 7
    assert (few(evidence=1).examples("validation").evidence == 1).all()
    labels = [few(train_examples=n).examples("validation").targets.tolist() for n in (3, 7)]
    assert labels[0] == labels[1]


def test_markup_is_no_word(reviews: dict[str, list]) -> None:
    reviews["train"] = [{"text": b"one<br /><br />two", "label": 0}] * 12
    assert few(evidence=3).examples("train").evidence.tolist() == [[0, 3, 2]] * 7


def test_features_are_read_once(reviews: dict[str, list], monkeypatch: pytest.MonkeyPatch) -> None:
    before = few().examples("test").evidence
    monkeypatch.setattr(reading, "rows", None)
    assert np.array_equal(few(lag=9).examples("test").evidence, before)


def test_levels_of_the_same_split(reviews: dict[str, list]) -> None:
    task = few()
    labels = task.examples("test").targets
    majority = max(labels.mean(), 1 - labels.mean())
    expected = {"memoryless": majority, "reference": 1.0, "majority class": majority, "bag of words": 1.0}
    assert task.levels() == expected


def test_bag_of_words_sees_the_words_that_the_networks_see(reviews: dict[str, list]) -> None:
    assert few(evidence=1).reference() == 0.5


def test_synthetic_reviews_are_learnable_and_not_trivial() -> None:
    task = Sentiment(lag=0, **SYNTHETIC)
    assert {split: len(task.examples(split).targets) for split in ("train", "validation", "test")} == {
        "train": 2000,
        "validation": 500,
        "test": 500,
    }
    assert 0.85 < task.levels()["bag of words"] < 1
    counted = [Sentiment(lag=lag, filler="decoy", **SYNTHETIC).levels()["position-blind"] for lag in (0, 100)]
    assert counted[0] == pytest.approx(task.reference(), abs=0.03)
    assert 0.55 < counted[1] < counted[0] - 0.1
    assert 0.5 <= task.memoryless() < 0.56


@pytest.mark.parametrize(
    "wrong",
    [
        {"lag": -1},
        {"source": "imdb"},
        {"evidence": 0},
        {"vocabulary": 2},
        {"train_examples": 20_001},
        {"test_examples": 25_001},
        {"words": 3},
    ],
)
def test_wrong_fields_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sentiment(**{"lag": 0, **wrong})


def test_missing_data_are_never_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    task = Sentiment(lag=0, vocabulary=101)
    for ask in (task.check_data, lambda: task.train_batch(0, 0, 4)):
        with pytest.raises(UserError, match="rnnbench data --prepare imdb_reviews"):
            ask()
    Sentiment(lag=0, **SYNTHETIC).check_data()


@pytest.mark.slow
@pytest.mark.real_data
def test_imdb_whole() -> None:
    task = Sentiment(lag=0)
    sizes = {split: len(task.examples(split).targets) for split in ("train", "validation", "test")}
    assert sizes == {"train": 20_000, "validation": 5_000, "test": 25_000}
    assert task.examples("train").evidence.max() == 9_999
    levels = task.levels()
    assert levels["memoryless"] == 0.5
    assert 0.84 < levels["bag of words"] == levels["reference"] < 0.86
    assert 0.78 < Sentiment(lag=100, filler="decoy").levels()["position-blind"] < 0.80
