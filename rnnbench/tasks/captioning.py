"""Captioning: what a picture of two digits shows, in words, each step fed the word before. One to many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from rnnbench.datasets.cache import in_memory
from rnnbench.registry import register_task
from rnnbench.tasks import protocol, two_digits
from rnnbench.tasks.answer_in_steps import AnswerInSteps
from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.dataset import DatasetTask, Examples, too_few_prepared
from rnnbench.tasks.display import Display
from rnnbench.tasks.examples import stored
from rnnbench.tasks.sequential_mnist import SequentialMNIST
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.two_digits import SIDE, STEPS, WORDS, Pictures

_STREAMS = {"train": 0, "validation": 1, "test": 2}
_SIZES = {"mnist": {"validation": 1_000, "test": 2_000}, "synthetic": {"validation": 250, "test": 250}}
_MOST = {"mnist": {"validation": 2_500, "test": 5_000}, "synthetic": {"validation": 250, "test": 250}}
"""Half as many as there are digits: each stands in one picture."""
_FITTED = {"mnist": 10_000, "synthetic": 1_000}
"""Training pictures that the reference is fitted to."""
_CHUNK = 200
"""Pictures of a split that stand in memory with their lag at a time."""


@register_task("captioning")
class Captioning(DatasetTask, AnswerInSteps):
    """Say what a picture shows, as "seven left of three" or "seven above three", each step fed the word before.

    A picture of 28 x 28 pixels in [0, 1] shows two random MNIST digits, each reduced to 14 x 14, side by side or one
    above the other. The bright one is named first, the dim one, at half the brightness, last; so each of the 400
    captions is as likely as any other. `image: vector` gives all 784 pixels in one step, `rows` 28 steps of a row. The
    words, 16 with the end of the caption, stand in channels of their own; steps behind the end have weight 0. A
    distractor is a step of pixels, each drawn from all those of training pictures. Training pictures are drawn anew at
    each step; those of validation and test are fixed, of other digits, none of which they show twice.
    Memoryless: the most frequent caption of the split, as nothing but the network's own words is seen. Reference:
    logistic regressions on the pixels, of the relation, then of each digit. Captions of pictures: Vinyals, Toshev,
    Bengio & Erhan 2015, whose network also reads a picture once and is then fed its own words.
    """

    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor")

    source: Literal["mnist", "synthetic"] = "mnist"
    """Of the digits. `mnist`, or `synthetic`: the ten blurred patterns of `sequential_mnist`."""
    image: Literal["vector", "rows"] = "vector"
    """`vector`: the whole picture in one step of 784 pixels; `rows`: 28 steps of 28 pixels, from the top."""
    validation_examples: int | None = Field(None, ge=1)
    """Number of validation pictures. Default: 1,000 of MNIST's digits (2,500 at most), or 250 synthetic (at most)."""
    test_examples: int | None = Field(None, ge=1)
    """Number of test pictures. Default: 2,000 of MNIST's digits (5,000 at most), or 250 synthetic (at most)."""

    @model_validator(mode="after")
    def _enough_digits(self) -> Captioning:
        for split, most in _MOST[self.source].items():
            if self._size(split) > most:
                raise ValueError(f"{split}_examples can be at most {most:,}: there are {2 * most:,} digits")
        return self

    @property
    def layout(self) -> Layout:
        return Layout(evidence=SIDE if self.image == "rows" else 1, lag=self.lag, readout=STEPS)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(self._pixels + len(WORDS))

    @property
    def outputs(self) -> int:
        return len(WORDS)

    def display(self) -> Display:
        """The evidence is a picture, answers are words."""
        added = super().display().flags
        return replace(
            super().display(),
            kind="image",
            picture=lambda evidence: evidence.reshape(SIDE, SIDE),
            flags=(*WORDS, *added),
            classes=WORDS,
            answered=lambda outputs: two_digits.text(outputs.argmax(axis=-1)),
            told=two_digits.text,
        )

    def split_sizes(self) -> dict[str, int]:
        return {split: self._size(split) for split in ("validation", "test")}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        yield from SequentialMNIST(lag=0).problems(1) if self.source == "mnist" else ()
        yield from too_few_prepared(self.source, "test", 2 * self._size("test"), "test_examples")

    def examples(self, split: str) -> Examples:
        """Of training, the pictures that the reference is fitted to."""
        pictures = self._pictures(split)
        shown = pictures.pixels.reshape(len(pictures.pixels), self.layout.evidence, -1)
        return Examples(shown, two_digits.captions(pictures)[0])

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        rng = np.random.default_rng([_STREAMS["train"], seed, step])
        return self._with_captions(two_digits.drawn(_digits(self.source, "train"), rng, batch_size, once=False), rng)

    def split(self, name: Split) -> Iterator[Stream]:
        pictures, rng = self._pictures(name), np.random.default_rng([_STREAMS[name]])
        for first in range(0, len(pictures.first), _CHUNK):
            yield self._with_captions(pictures.rows(slice(first, first + _CHUNK)), rng)

    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        pixels = self._pictures("train").pixels.ravel()
        drawn = np.zeros((n, steps, self._pixels + len(WORDS)), dtype=np.float32)
        drawn[..., : self._pixels] = pixels[rng.integers(len(pixels), size=(n, steps, self._pixels))]
        return drawn

    def fed_back(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The word of the largest logit, in the channels of the words."""
        return {"features": self._said(answers.argmax(axis=-1))}

    def without_marker(self, stream: Stream) -> Stream:
        """The marker, the first step that is read, replaced by filler."""
        assert stream.features is not None
        features, filler = stream.features.copy(), self.fill(protocol.filler_rng(3), stream.examples, 1)
        assert isinstance(filler, np.ndarray)
        features[:, -STEPS : 1 - STEPS] = filler
        return stream._replace(features=features)

    def memoryless(self, split: Split = "test") -> float:
        """The share of the most frequent caption of the split."""
        _, counts = np.unique(self.examples(split).targets, axis=0, return_counts=True)
        return float(counts.max() / counts.sum())

    def reference(self, split: Split = "test") -> float:
        """The share of captions that logistic regressions on the pixels say right. Stored beside the prepared data."""
        return _reference(self.source, self._size("validation"), self._size("test"))[split]

    def levels(self) -> dict[str, float]:
        found = super().levels()
        named = {"majority caption": found["memoryless"], "logistic regressions": found["reference"]}
        return found | named | {"guess": 1 / two_digits.CAPTIONS}

    @property
    def _pixels(self) -> int:
        """Pixels of a step."""
        return SIDE if self.image == "rows" else SIDE**2

    def _size(self, split: str) -> int:
        return getattr(self, f"{split}_examples") or _SIZES[self.source][split]

    def _pictures(self, split: str) -> Pictures:
        size = _FITTED[self.source] if split == "train" else self._size(split)
        return _pictures(self.source, split, size)

    def _with_captions(self, pictures: Pictures, rng: np.random.Generator) -> Stream:
        targets, weights = two_digits.captions(pictures)
        n, width = len(targets), self.ports.features
        shown = np.zeros((n, self.layout.evidence, width), dtype=np.float32)
        shown[..., : self._pixels] = pictures.pixels.reshape(n, self.layout.evidence, -1)
        filler = self.fill(rng, n, self.lag)
        assert isinstance(filler, np.ndarray)
        marker = np.zeros((n, 1, width), dtype=np.float32)
        marker[..., -1] = 1
        features = np.concatenate([shown, filler, marker, self._said(targets[:, :-1])], axis=1)
        return Stream(targets=targets, features=features, weights=weights)

    def _said(self, words: np.ndarray) -> np.ndarray:
        return np.eye(self.ports.features, dtype=np.float32)[self._pixels + words]


@in_memory(maxsize=6)
def _digits(source: Literal["mnist", "synthetic"], split: str) -> Examples:
    """Digits of 14 x 14 pixels, and their labels."""
    images, labels = SequentialMNIST(lag=0, source=source).examples(split)
    return Examples(two_digits.halved(images), labels)


@in_memory(maxsize=6)
def _pictures(source: Literal["mnist", "synthetic"], split: str, size: int) -> Pictures:
    rng = np.random.default_rng([8, _STREAMS[split]])
    return two_digits.drawn(_digits(source, split), rng, size, once=split != "train")


@in_memory(maxsize=4)
def _reference(source: Literal["mnist", "synthetic"], validation: int, test: int) -> dict[str, float]:
    task = Captioning(lag=0, source=source, validation_examples=validation, test_examples=test)
    asked = {split: task._pictures(split) for split in ("validation", "test")}
    return stored(
        task,
        "captioning-reference",
        {"lag", "filler", "image"},
        lambda: two_digits.told_by_regressions(task._pictures("train"), asked["validation"], asked),
    )
