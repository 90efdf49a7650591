"""Sequential MNIST: classify a digit read row by row or pixel by pixel (Le, Jaitly & Hinton 2015)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples, one_class_problem, too_few_prepared
from rnnbench.tasks.display import Display
from rnnbench.tasks.stream import Layout, Ports

SIDE = 28
"""Rows per image, and pixels per row."""
CLASSES = 10
PERMUTATION_SEED = 92916
"""Seed of the `numpy.random.RandomState` (a stream that NumPy has frozen) that gives the permutation used by scoRNN
(Helfrich et al. 2018), expRNN (Lezcano-Casado & Martínez-Rubio 2019) and others."""
_SIZES = {"mnist": {"validation": 5_000, "test": 10_000}, "synthetic": {"validation": 500, "test": 500}}
_SYNTHETIC_TRAIN = 2_000
_IMAGES = {"train": 60_000, "test": 10_000}
_FIRST_LABELS = (1, 7)
"""Labels of the first two images of our test split of MNIST, whatever its size."""


@register_task("sequential_mnist")
class SequentialMNIST(DatasetClassificationTask):
    """Classify one of ten digits after the whole image and a lag. Chance: the most frequent digit of the test images.

    `order: rows` gives 28 steps of 28 pixels, `order: pixels` 784 steps of one, from the top left, with values in
    [0, 1]. `permuted` first applies one fixed permutation to the pixels of every image. A decoy is a random step (row
    or pixel) of a random training image, told apart by the cue. Validation images are a fixed random part of MNIST's
    train split, never trained on. The papers have no lag and answer at the last pixel; here a separate readout step
    follows. Reference: a logistic regression on the pixels.
    """

    # Of the stored images, which do not depend on the layout.
    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "decoy")

    source: Literal["mnist", "synthetic"] = "mnist"
    """`mnist`, or `synthetic`: ten blurred patterns, randomly shifted, with noise."""
    order: Literal["rows", "pixels"] = "rows"
    """`rows`: 28 steps of 28 pixels; `pixels`: 784 steps of one pixel."""
    permuted: bool = False
    """Whether to permute the pixels of every image with `RandomState(92916).permutation(784)`."""
    validation_examples: int | None = Field(None, ge=1, lt=_IMAGES["train"])
    """Number of validation images; of MNIST's, the rest is trained on. Default: 5,000 of MNIST, or 500 synthetic."""
    test_examples: int | None = Field(None, ge=1, le=_IMAGES["test"])
    """Number of test images, a fixed random part of the test split. Default: all 10,000 of MNIST, or 500 synthetic."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=SIDE if self.order == "rows" else SIDE**2, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(SIDE if self.order == "rows" else 1)

    @property
    def outputs(self) -> int:
        return CLASSES

    def display(self) -> Display:
        """The evidence is an image, its pixels put back where they were."""
        return replace(super().display(), kind="image", picture=self._picture)

    def _picture(self, evidence: np.ndarray) -> np.ndarray:
        pixels = evidence.ravel()
        if self.permuted:
            pixels = pixels[np.argsort(permutation())]
        return pixels.reshape(SIDE, SIDE)

    def split_sizes(self) -> dict[str, int]:
        validation = self._size("validation")
        train = _SYNTHETIC_TRAIN if self.source == "synthetic" else _IMAGES["train"] - validation
        return {"train": train, "validation": validation, "test": self._size("test")}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        yield from one_class_problem("test", self._size("test"), self._test_labels)
        yield from too_few_prepared(self.source, "train", _IMAGES["train"], "source")
        yield from too_few_prepared(self.source, "test", self._size("test"), "test_examples")
        yield from super().problems(batch_size)

    def _test_labels(self, n: int) -> np.ndarray:
        return _synthetic_labels(2, n)[1] if self.source == "synthetic" else np.array(_FIRST_LABELS[:n])

    def examples(self, split: str) -> Examples:
        images, labels = _images(self.source, self._size("validation"), self._size("test"), self.permuted)[split]
        return Examples(images.reshape(len(images), self.layout.evidence, -1), labels)

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        images = self.examples("train").evidence
        return images[rng.integers(len(images), size=(n, steps)), rng.integers(images.shape[1], size=(n, steps))]

    def _size(self, split: str) -> int:
        return getattr(self, f"{split}_examples") or _SIZES[self.source][split]


def permutation() -> np.ndarray:
    """(784,): the index, in row-major order, of the pixel that is read at each step."""
    return np.random.RandomState(PERMUTATION_SEED).permutation(SIDE**2)


@in_memory(maxsize=2)
def _images(source: str, validation: int, test: int, permuted: bool) -> dict[str, Examples]:
    """Flat images, (n, 784) float32 in [0, 1], and their labels."""
    if source == "synthetic":
        splits = _synthetic({"train": _SYNTHETIC_TRAIN, "validation": validation, "test": test})
    else:
        splits = _mnist(validation, test)
    if not permuted:
        return splits
    return {split: Examples(images[:, permutation()], labels) for split, (images, labels) in splits.items()}


def _mnist(validation: int, test: int) -> dict[str, Examples]:
    catalogue.check("mnist")
    arrays = cached("mnist", {"version": SequentialMNIST.version, "data": catalogue.fingerprint("mnist")}, _read)
    order = np.random.default_rng(0).permutation(len(arrays["train_labels"]))
    chosen = {
        "train": ("train", order[:-validation]),
        "validation": ("train", order[-validation:]),
        "test": ("test", np.random.default_rng(1).permutation(len(arrays["test_labels"]))[:test]),
    }
    return {
        split: Examples(
            arrays[f"{origin}_images"][index].astype(np.float32) / np.float32(255), arrays[f"{origin}_labels"][index]
        )
        for split, (origin, index) in chosen.items()
    }


def _read() -> dict[str, np.ndarray]:
    arrays = {}
    for split in _IMAGES:
        rows = list(reading.rows("mnist", split))
        arrays[f"{split}_images"] = np.stack([row["image"].reshape(-1) for row in rows])
        arrays[f"{split}_labels"] = np.array([row["label"] for row in rows], dtype=np.int32)
    return arrays


@lru_cache(maxsize=2)
def _patterns() -> np.ndarray:
    """(10, 28, 28) in [0, 1]: noise, blurred along both axes and faded towards the edges."""
    noise = np.random.default_rng(5).normal(size=(CLASSES, SIDE, SIDE))
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 2.5) ** 2)
    for axis in (1, 2):
        noise = np.apply_along_axis(np.convolve, axis, noise, kernel, mode="same")
    fade = np.sin(np.linspace(0, np.pi, SIDE))
    patterns = np.maximum(noise, 0) * np.outer(fade, fade)
    return patterns / patterns.max(axis=(1, 2), keepdims=True)


def _synthetic_labels(index: int, n: int) -> tuple[np.random.Generator, np.ndarray]:
    """For a split, by its index: the generator, advanced past the labels, and the labels."""
    rng = np.random.default_rng([5, index])
    return rng, rng.integers(0, CLASSES, size=n).astype(np.int32)


def _synthetic(sizes: dict[str, int]) -> dict[str, Examples]:
    """Each image is its class's pattern, shifted by up to two pixels per axis, with random brightness and noise."""
    splits = {}
    for index, (split, n) in enumerate(sizes.items()):
        rng, labels = _synthetic_labels(index, n)
        images = _patterns()[labels]
        for image, shift in zip(images, rng.integers(-2, 3, size=(n, 2)), strict=True):
            image[:] = np.roll(image, shift, axis=(0, 1))
        images = images * rng.uniform(0.6, 1, size=(n, 1, 1)) + 0.1 * rng.standard_normal(images.shape)
        splits[split] = Examples(np.clip(images, 0, 1).reshape(n, -1).astype(np.float32), labels)
    return splits
