"""Sequential MNIST: layouts, orders, the fixed permutation, the splits; on a made-up MNIST and on the real one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnbench.datasets import catalogue, reading
from rnnbench.tasks import sequential_mnist
from rnnbench.tasks.sequential_mnist import SIDE, SequentialMNIST, permutation
from rnnbench.tasks.stream import joined

SPLITS = ("train", "validation", "test")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, np.ndarray]:
    """Twelve train and five test images of noise in place of MNIST; each split's images."""
    rng = np.random.default_rng(0)
    sizes = {"train": 12, "test": 5}
    images = {split: rng.integers(0, 256, size=(n, SIDE, SIDE, 1), dtype=np.uint8) for split, n in sizes.items()}

    def rows(name: str, split: str) -> Iterator[dict[str, Any]]:
        yield from ({"image": image, "label": number % 3} for number, image in enumerate(images[split]))

    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(reading, "rows", rows)
    monkeypatch.setattr(catalogue, "check", lambda name: None)
    monkeypatch.setattr(catalogue, "fingerprint", lambda name: "fixed")
    monkeypatch.setattr(sequential_mnist, "_images", sequential_mnist._images.__wrapped__)
    return images


def test_sizes_are_known_without_data():
    rows, pixels = SequentialMNIST(lag=3), SequentialMNIST(lag=3, order="pixels")
    assert (rows.layout, rows.ports, rows.outputs) == ((28, 3, 1), (31, 0, 0), 10)
    assert (pixels.layout, pixels.ports, pixels.outputs) == ((784, 3, 1), (4, 0, 0), 10)


def test_the_permutation_is_that_of_the_published_codes_and_never_changes():
    order = permutation()
    assert sorted(order) == list(range(784))
    assert order[:5].tolist() == [319, 576, 323, 107, 355]
    assert hashlib.sha256(order.astype("<i8").tobytes()).hexdigest()[:16] == "96240fe27409981c"


@pytest.mark.parametrize("permuted", [False, True])
def test_rows_and_pixels_hold_the_same_image_in_the_same_order(permuted, few):
    rows, pixels = (
        SequentialMNIST(lag=2, order=order, permuted=permuted, validation_examples=4) for order in ("rows", "pixels")
    )
    of_rows, of_pixels = joined(rows.split("test")), joined(pixels.split("test"))
    by_rows, by_pixels, labels = of_rows.features, of_pixels.features, of_rows.targets
    assert labels.shape == (5, 1)
    assert (by_rows.shape, by_pixels.shape) == ((5, 31, 31), (5, 787, 4))
    flat = by_pixels[:, :784, 0]
    np.testing.assert_array_equal(by_rows[:, :28, :28].reshape(5, 784), flat)
    np.testing.assert_array_equal(labels, of_pixels.targets)
    for image, label in zip(flat, labels, strict=True):
        plain = image[np.argsort(permutation())] if permuted else image
        (number,) = np.flatnonzero((np.round(plain * 255) == few["test"].reshape(5, 784)).all(axis=1))
        assert label == number % 3
    for inputs in (by_rows, by_pixels):
        signals = inputs[..., -3:]
        assert (signals == np.eye(3)[[0] * (inputs.shape[1] - 3) + [1, 1, 2]]).all()
        assert not inputs[:, -3:, :-3].any()


def test_validation_is_taken_from_train_and_never_trained_on(few):
    task = SequentialMNIST(lag=0, validation_examples=4, test_examples=3)
    seen = {split: {image.tobytes() for image in task.examples(split).evidence} for split in SPLITS}
    assert [len(seen[split]) for split in SPLITS] == [8, 4, 3]
    assert not seen["train"] & seen["validation"]
    scaled = {(image / np.float32(255)).reshape(SIDE, SIDE).astype(np.float32).tobytes() for image in few["train"]}
    assert seen["train"] | seen["validation"] == scaled
    smaller = SequentialMNIST(lag=0, validation_examples=2)
    assert {image.tobytes() for image in smaller.examples("validation").evidence} < seen["validation"]


@pytest.mark.parametrize("order", ["rows", "pixels"])
def test_decoys_are_steps_of_training_images(order, few):
    task = SequentialMNIST(lag=6, order=order, filler="decoy", validation_examples=4)
    inputs = task.train_batch(0, 0, 5).features
    steps = task.examples("train").evidence
    known = {step.tobytes() for step in steps.reshape(-1, steps.shape[-1])}
    evidence = task.layout.evidence
    drawn = inputs[:, evidence:-1, :-3]
    assert drawn.shape == (5, 6, 28 if order == "rows" else 1)
    assert all(step.tobytes() in known for step in drawn.reshape(-1, drawn.shape[-1]))
    assert not inputs[:, evidence:-1, -3:].any()


def test_the_synthetic_stand_in_can_be_told_by_its_nearest_pattern():
    task = SequentialMNIST(lag=0, source="synthetic")
    assert task.data_source == "synthetic"
    images, labels = task.examples("test")
    assert (images.shape, images.dtype, labels.dtype) == ((500, 28, 28), np.float32, np.int32)
    assert (images.min(), images.max()) == (0, 1)
    train, train_labels = task.examples("train")
    means = np.stack([train[train_labels == digit].mean(axis=0).ravel() for digit in range(10)])
    distances = ((images.reshape(500, 1, 784) - means) ** 2).sum(axis=-1)
    assert np.mean(distances.argmin(axis=1) == labels) > 0.9
    assert task.memoryless() == np.bincount(labels).max() / 500
    assert task.reference() > 0.9


@pytest.mark.slow
@pytest.mark.real_data
def test_mnist_has_its_published_sizes_and_chance():
    task = SequentialMNIST(lag=0, order="pixels")
    assert [len(task.examples(split).targets) for split in SPLITS] == [55_000, 5_000, 10_000]
    assert task.memoryless() == 0.1135  # 1,135 ones among the 10,000 test images
    # LeCun et al. 1998, table 2: 12% errors of a linear classifier, 8.4% of pairwise ones; softmax: 92.5%.
    assert 0.90 < task.reference() < 0.93
    train = np.concatenate([task.examples(split).evidence for split in ("train", "validation")])
    # The mean and the deviation that every MNIST tutorial subtracts and divides by.
    assert train.mean(dtype=np.float64) == pytest.approx(0.1307, abs=1e-4)
    assert train.std(dtype=np.float64) == pytest.approx(0.3081, abs=1e-4)
