"""Speech commands: which word was spoken? (Warden 2018), with a lag between the word and the readout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.datasets.scaling import Scale
from rnnbench.errors import UserError
from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples
from rnnbench.tasks.display import Display
from rnnbench.tasks.stream import Layout, Ports

Splits = dict[str, Examples]

SAMPLE_RATE = 16_000
"""Samples per second; every clip is cut or padded to one second."""
_LOWEST = 20.0
"""Lower edge of the lowest mel band, in Hz."""
_SPLITS = ("train", "validation", "test")
_SYNTHETIC = {"train": 2_000, "validation": 500, "test": 500}


@register_task("speech_commands")
class SpeechCommands(DatasetClassificationTask):
    """Tell which of the `words` was spoken, after one second of audio and a lag.

    Each step is a frame of log-mel energies (see `log_mel`), each band standardised with the mean and deviation of the
    training frames; a band that is constant there (with many bands, some cover no frequency bin) is 0. A distractor is
    a frame of noise of the same level: each band is drawn independently from a normal distribution with the mean and
    deviation of the training frames. Shorter clips are padded with zeros at the end, longer ones cut. Reference: a
    logistic regression on all frames.
    """

    # Of the stored frames, which do not depend on the layout.
    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor")

    source: Literal["speech_commands", "synthetic"] = "speech_commands"
    """`speech_commands`, or `synthetic`: 2,000 training clips of gliding tones in noise, one glide per word."""
    words: tuple[str, ...] = Field(("down", "go", "left", "right", "up"), strict=False)
    """The words to tell apart, in the order of their labels; at least two."""
    window_ms: int = Field(40, ge=1, le=1000)
    """Length of a frame, in milliseconds."""
    stride_ms: int = Field(20, ge=1, le=1000)
    """Time between the starts of consecutive frames, in milliseconds."""
    bands: int = Field(40, ge=1)
    """Number of mel bands per frame."""

    @field_validator("words")
    @classmethod
    def _different_words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if len(words) < 2 or len(set(words)) < len(words):
            raise ValueError("must be at least two different words, without repeats")
        return words

    @property
    def layout(self) -> Layout:
        return Layout(evidence=1 + (1000 - self.window_ms) // self.stride_ms, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(self.bands)

    @property
    def outputs(self) -> int:
        return len(self.words)

    def display(self) -> Display:
        return replace(super().display(), kind="frames", classes=self.words)

    def split_sizes(self) -> dict[str, int]:
        """Upper bounds: the sizes of the prepared splits with all their words."""
        return _SYNTHETIC if self.source == "synthetic" else catalogue.split_sizes(self.source)

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        if self.source != "synthetic":
            most = _most_bands(self.window_ms, self.bands)
            if self.bands > most:
                yield "bands", f"{self.bands:,} is too many for windows of {self.window_ms} ms: at most {most:,}"
            known = _label_names()
            unknown = [word for word in self.words if known and word not in known]
            if unknown:
                yield "words", f"'{unknown[0]}' is not in the prepared data, which contain {', '.join(sorted(known))}"
        yield from super().problems(batch_size)

    def examples(self, split: str) -> Examples:
        if self.source == "synthetic":
            return _synthetic(len(self.words), self.layout.evidence, self.bands)[split]
        return _splits(self.words, self.window_ms, self.stride_ms, self.bands)[split]

    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        noise = rng.standard_normal((n, steps, self.bands), dtype=np.float32)
        if self.source != "synthetic":
            noise[..., _constant_bands(self.words, self.window_ms, self.stride_ms, self.bands)] = 0
        return noise


def _most_bands(window_ms: int, bands: int) -> int:
    """The largest number of mel bands, up to `bands`, such that each covers a frequency bin of such a window.

    A band without a bin has the same energy in every frame.
    """
    # Like `tf.signal.stft`, pad to the next power of two.
    length = 1 << (window_ms * SAMPLE_RATE // 1000 - 1).bit_length()
    bins = _mel(np.arange(1, length // 2 + 1) * SAMPLE_RATE / length)

    def all_cover_a_bin(count: int) -> bool:
        edges = np.linspace(_mel(_LOWEST), _mel(SAMPLE_RATE / 2), count + 2)
        # A bin at an edge, within rounding, has no energy and does not count.
        margin = 1e-4 * (edges[1] - edges[0])
        inside = np.searchsorted(bins, edges[2:] - margin) - np.searchsorted(bins, edges[:-2] + margin)
        return bool((inside > 0).all())

    # No bin lies in more than two bands.
    return next((count for count in range(min(bands, 2 * len(bins)), 0, -1) if all_cover_a_bin(count)), 0)


def _mel(hertz: Any) -> Any:
    return 1127 * np.log1p(hertz / 700)


def _label_names() -> list[str]:
    """The words of the prepared data; empty if they are not prepared."""
    try:
        return (catalogue.find("speech_commands").path / "label.labels.txt").read_text().split()
    except OSError:
        return []


def log_mel(sound: np.ndarray, window_ms: int = 40, stride_ms: int = 20, bands: int = 40) -> np.ndarray:
    """Log-mel energies of one second of audio.

    `sound`: (clips, 16000), full scale +-1. Returns (clips, frames, bands) float32: log(power + 1e-6), natural
    logarithm, in `bands` triangular filters evenly spaced from 20 Hz to 8 kHz on the mel scale. Hann window.
    """
    import tensorflow as tf

    samples = SAMPLE_RATE // 1000
    length = window_ms * samples
    spectrum = tf.signal.stft(tf.constant(sound, tf.float32), length, stride_ms * samples)
    power = tf.square(tf.abs(spectrum))
    mel = tf.signal.linear_to_mel_weight_matrix(bands, power.shape[-1], SAMPLE_RATE, _LOWEST, SAMPLE_RATE / 2)
    return tf.math.log(tf.matmul(power, mel) + 1e-6).numpy()


def one_second(sound: np.ndarray) -> np.ndarray:
    """16-bit samples of any length as (16000,) float32, full scale +-1: cut, or padded with zeros at the end."""
    result = np.zeros(SAMPLE_RATE, dtype=np.float32)
    kept = sound[:SAMPLE_RATE]
    result[: len(kept)] = kept / np.float32(2**15)
    return result


@in_memory(maxsize=2)
def _constant_bands(words: tuple[str, ...], window_ms: int, stride_ms: int, bands: int) -> np.ndarray:
    frames = _splits(words, window_ms, stride_ms, bands)["train"].evidence
    return np.asarray(~frames.any(axis=(0, 1)))


@in_memory(maxsize=2)
def _splits(words: tuple[str, ...], window_ms: int, stride_ms: int, bands: int) -> Splits:
    catalogue.check("speech_commands")
    key = {"words": words, "window_ms": window_ms, "stride_ms": stride_ms, "bands": bands}
    arrays = cached(
        "speech-commands",
        {"version": SpeechCommands.version, "data": catalogue.fingerprint("speech_commands"), **key},
        lambda: _features(words, window_ms, stride_ms, bands),
    )
    return {split: Examples(arrays[f"{split}_frames"], arrays[f"{split}_labels"]) for split in _SPLITS}


def _features(words: tuple[str, ...], window_ms: int, stride_ms: int, bands: int) -> dict[str, np.ndarray]:
    arrays = {}
    for split in _SPLITS:
        frames, labels = _read(split, words, window_ms, stride_ms, bands)
        arrays[f"{split}_frames"], arrays[f"{split}_labels"] = frames, labels
    scale = Scale.of(arrays["train_frames"])
    for split in _SPLITS:
        arrays[f"{split}_frames"] = scale(arrays[f"{split}_frames"]).astype(np.float32)
    return arrays


def _read(
    split: str, words: tuple[str, ...], window_ms: int, stride_ms: int, bands: int
) -> tuple[np.ndarray, np.ndarray]:
    label_names = _label_names()
    held: set[str] = set()
    clips, labels = [], []
    for row in reading.rows("speech_commands", split):
        word = label_names[row["label"]]
        held.add(word)
        if word in words:
            clips.append(one_second(row["audio"]))
            labels.append(words.index(word))
    absent = [word for word in words if word not in held]
    if absent:
        raise UserError(
            f"tasks.speech_commands.words: '{absent[0]}' is not in split '{split}' of the prepared data, "
            f"which contains {', '.join(sorted(held))}"
        )
    frames = [log_mel(np.stack(clips[i : i + 256]), window_ms, stride_ms, bands) for i in range(0, len(clips), 256)]
    return np.concatenate(frames), np.array(labels, dtype=np.int32)


@lru_cache(maxsize=4)
def _synthetic(words: int, frames: int, bands: int) -> Splits:
    """For each word a tone that glides from one band to another, at a random time and level, in noise."""
    glides = np.random.default_rng(3).permuted(np.tile(np.linspace(0.1, 0.9, words), (2, 1)), axis=1) * bands
    time, band = np.linspace(0, 1, frames), np.arange(bands)
    splits = {}
    for index, split in enumerate(_SPLITS):
        rng = np.random.default_rng([3, index])
        n = _SYNTHETIC[split]
        labels = rng.integers(0, words, size=n).astype(np.int32)
        moment = rng.uniform(-0.2, 0.2, size=(n, 1))
        start, end = glides[:, labels, None]
        centre = start + (end - start) * np.clip(time + moment, 0, 1)
        level = rng.uniform(1, 3, size=(n, 1, 1))
        tone = level * np.exp(-0.5 * ((band - centre[..., None]) / 2) ** 2)
        sound = tone + rng.standard_normal((n, frames, bands))
        splits[split] = Examples(sound.astype(np.float32), labels)
    return splits
