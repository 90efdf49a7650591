from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnbench.datasets import catalogue, reading
from rnnbench.errors import UserError
from rnnbench.tasks import speech_commands
from rnnbench.tasks.speech_commands import SAMPLE_RATE, SpeechCommands, log_mel, one_second
from rnnbench.tasks.stream import joined

NAMES = ("down", "go", "left", "no")
CLIPS = {"train": [0, 1, 2, 0, 1, 2, 1], "validation": [2, 1], "test": [1, 2, 2, 0]}


@pytest.fixture
def clips(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[int]]:
    """Thirteen clips of noise in place of the data set, given by their labels."""
    held = {split: list(labels) for split, labels in CLIPS.items()}

    def rows(name: str, split: str) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(list(CLIPS).index(split))
        for label in held[split]:
            yield {"audio": rng.integers(-3000, 3000, size=rng.integers(9000, 20000)), "label": label}

    folder = tmp_path / "speech_commands" / "0.0.3"
    folder.mkdir(parents=True)
    (folder / "label.labels.txt").write_text("\n".join(NAMES))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(reading, "rows", rows)
    monkeypatch.setattr(catalogue, "check", lambda name: None)
    monkeypatch.setattr(catalogue, "fingerprint", lambda name: "fixed")
    monkeypatch.setattr(speech_commands, "_splits", speech_commands._splits.__wrapped__)
    return held


def test_sizes_are_known_without_data() -> None:
    task = SpeechCommands(lag=10)
    assert task.data_source == "speech_commands"
    assert task.layout == (49, 10, 1)
    assert task.ports == (42, 0, 0)
    assert task.outputs == 5
    assert SpeechCommands(lag=0, window_ms=25, stride_ms=10, bands=20, words=["go", "up"]).layout.evidence == 98


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_layout_with_blanks(lag: int) -> None:
    task = SpeechCommands(lag=lag, source="synthetic")
    whole = joined(task.split("validation"))
    inputs, labels = whole.features, whole.targets
    assert (inputs.shape, inputs.dtype) == ((500, 49 + lag + 1, 42), np.float32)
    assert (labels.shape, labels.dtype) == ((500, 1), np.int32)
    assert np.array_equal(inputs[:, :49, :40], task.examples("validation").evidence)
    assert (inputs[:, 49:, :40] == 0).all()
    assert (inputs[..., 40] == [0] * 49 + [1] * lag + [0]).all()
    assert (inputs[..., 41] == [0] * (49 + lag) + [1]).all()


def test_distractors_match_the_frames_of_training(clips: dict[str, list[int]]) -> None:
    task = SpeechCommands(lag=300, filler="distractor", words=("go", "left"), bands=8)
    frames = task.examples("train").evidence
    assert np.abs(frames.mean(axis=(0, 1))).max() < 1e-5
    assert np.abs(frames.std(axis=(0, 1)) - 1).max() < 1e-4
    inputs = task.train_batch(0, 0, 5).features
    noise = inputs[:, 49:-1, :-2]
    assert noise.shape == (5, 300, 8)
    assert np.abs(noise.mean(axis=(0, 1))).max() < 0.1
    assert np.abs(noise.std(axis=(0, 1)) - 1).max() < 0.1
    assert (inputs[:, -1, :-1] == 0).all()
    assert np.array_equal(inputs, task.train_batch(0, 0, 5).features)
    assert not np.array_equal(noise, task.train_batch(1, 0, 5).features[:, 49:-1, :-2])


def test_labels_follow_the_order_of_words(clips: dict[str, list[int]]) -> None:
    task = SpeechCommands(lag=0, words=("left", "go"))
    expected = {split: [{2: 0, 1: 1}[label] for label in labels if label != 0] for split, labels in CLIPS.items()}
    assert {split: task.examples(split).targets.tolist() for split in CLIPS} == expected
    assert task.examples("test").evidence.shape == (3, 49, 40)
    assert task.memoryless() == 2 / 3
    levels = task.levels()
    assert levels["memoryless"] == levels["majority class"] == 2 / 3
    assert levels["reference"] == levels["logistic regression"]


def test_only_training_frames_set_the_scale(clips: dict[str, list[int]]) -> None:
    before = speech_commands._features(("go", "left"), 40, 20, 40)["train_frames"]
    clips["test"] += [1] * 5
    clips["validation"] += [1] * 5
    assert np.array_equal(speech_commands._features(("go", "left"), 40, 20, 40)["train_frames"], before)


def test_an_absent_word_is_told_with_those_that_are_there(clips: dict[str, list[int]]) -> None:
    with pytest.raises(UserError, match=r"words: 'no' is not in split 'train'.*contains down, go, left$"):
        SpeechCommands(lag=0, words=("go", "no")).train_batch(0, 0, 2)


def test_features_are_computed_once(clips: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    task = SpeechCommands(lag=0, words=("go", "left"))
    before = task.examples("train").evidence
    monkeypatch.setattr(reading, "rows", None)
    assert np.array_equal(task.examples("train").evidence, before)
    with pytest.raises(TypeError):
        SpeechCommands(lag=0, words=("go", "left"), bands=20).examples("train")


def test_clips_become_one_second() -> None:
    short = one_second(np.array([2**14, -(2**15)], dtype=np.int16))
    assert (short.shape, short.dtype) == ((SAMPLE_RATE,), np.float32)
    assert short[:2].tolist() == [0.5, -1.0]
    assert not short[2:].any()
    assert np.array_equal(one_second(np.arange(20_000)), np.arange(16_000, dtype=np.float32) / 2**15)


@pytest.mark.parametrize("band", [3, 17, 36])
def test_a_pure_tone_peaks_in_its_band(band: int) -> None:
    """The centre of band k is mel(20) + (k + 1) (mel(8000) - mel(20)) / 41, with mel(f) = 1127 ln(1 + f / 700)."""
    low, high = (1127 * np.log(1 + f / 700) for f in (20, 8000))
    frequency = 700 * (np.exp((low + (band + 1) * (high - low) / 41) / 1127) - 1)
    tone = 0.5 * np.sin(2 * np.pi * frequency * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    energies = log_mel(tone[None])
    assert energies.shape == (1, 49, 40)
    assert (energies.argmax(axis=-1) == band).all()


def test_the_level_of_a_tone_and_of_silence() -> None:
    """A tone of amplitude A on a bin gives A N / 4 there through a Hann window of N samples, and half of it beside."""
    window, tone = 64, np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    # One band from 20 Hz to 8 kHz: its weights on the three bins that a windowed tone fills.
    low, high = (1127 * np.log(1 + f / 700) for f in (20, 8000))
    bins = np.array([1000 - 15.625, 1000, 1000 + 15.625])
    weights = (1127 * np.log(1 + bins / 700) - low) / ((high - low) / 2)
    n = window * 16
    expected = np.log(np.sum(weights * (np.array([0.5, 1, 0.5]) * n / 4) ** 2) + 1e-6)
    assert log_mel(tone[None], window_ms=window, bands=1)[0, 5, 0] == pytest.approx(expected, abs=1e-3)
    assert log_mel(np.zeros((1, SAMPLE_RATE)))[0] == pytest.approx(np.log(1e-6), abs=1e-4)


def test_synthetic_sizes_and_classes() -> None:
    task = SpeechCommands(lag=0, source="synthetic", words=("a", "b", "c"), bands=16, stride_ms=40)
    assert task.examples("train").evidence.shape == (2000, 25, 16)
    assert set(task.examples("test").targets) == {0, 1, 2}
    train = task.examples("train")
    means = np.stack([train.evidence[train.targets == label].mean(axis=0) for label in range(3)])
    test = task.examples("test")
    distances = ((test.evidence[:, None] - means) ** 2).sum(axis=(2, 3))
    assert np.mean(distances.argmin(axis=1) == test.targets) > 0.9


@pytest.mark.parametrize(
    "wrong", [{"lag": -1}, {"words": ["go"]}, {"words": ["go", "go"]}, {"words": "go"}, {"bands": 0}, {"stride_ms": 0}]
)
def test_wrong_fields_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SpeechCommands(**{"lag": 0, **wrong})


def test_missing_data_are_never_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    task = SpeechCommands(lag=0, bands=39)
    for ask in (task.check_data, lambda: list(task.split("test"))):
        with pytest.raises(UserError, match="rnnbench data --prepare speech_commands"):
            ask()
    SpeechCommands(lag=0, source="synthetic").check_data()


@pytest.mark.real_data
def test_the_prepared_words() -> None:
    task = SpeechCommands(lag=0)
    for split in ("train", "validation", "test"):
        examples = task.examples(split)
        assert set(examples.targets) == set(range(5))
        assert np.isfinite(examples.evidence).all()
    levels = task.levels()
    assert 0.19 < levels["memoryless"] < 0.21
    assert levels["memoryless"] + 0.2 < levels["reference"] < 0.95
    frames = task.examples("train").evidence
    assert np.abs(frames.mean(axis=(0, 1))).max() < 1e-3
    assert np.abs(frames.std(axis=(0, 1)) - 1).max() < 1e-3


@pytest.mark.parametrize(("window", "bands", "constant"), [(25, 40, 0), (25, 128, 1), (10, 80, 2), (5, 40, 1)])
def test_bands_without_a_frequency_are_zero(
    clips: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch, window: int, bands: int, constant: int
) -> None:
    monkeypatch.setattr(speech_commands, "_constant_bands", speech_commands._constant_bands.__wrapped__)
    settings = {"words": ("go", "left"), "window_ms": window, "stride_ms": window, "bands": bands}
    task = SpeechCommands(lag=200, filler="distractor", **settings)
    dead = ~task.examples("train").evidence.any(axis=(0, 1))
    assert dead.sum() == constant
    for name in ("validation", "test"):
        inputs = joined(task.split(name)).features
        assert np.isfinite(inputs).all()
        assert np.array_equal(~inputs[..., :-2].any(axis=(0, 1)), dead)
    evidence = task.examples("train").evidence[..., ~dead]
    assert np.abs(evidence.std(axis=(0, 1)) - 1).max() < 1e-4
