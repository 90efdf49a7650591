"""Speech commands: which word was spoken? (Warden 2018), with a lag between the word and the question."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.datasets.scaling import Scale
from rnnbench.errors import UserError
from rnnbench.registry import register_task
from rnnbench.tasks.base import Features, Layout
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples

Splits = dict[str, Examples]

SAMPLE_RATE = 16_000
"""Samples a second; every clip is brought to one second."""
_LOWEST = 20.0
"""Hertz at which the lowest mel band begins."""
_SPLITS = ("train", "validation", "test")
_SYNTHETIC = {"train": 2_000, "validation": 500, "test": 500}


@register_task("speech_commands")
class SpeechCommands(DatasetClassificationTask):
    """One of `words`, asked after one second of sound and the lag.

    Each step is a frame of log-mel energies (see `log_mel`), standardised per band with the mean and standard deviation
    of the training frames; a band that is constant there (of many, some hold no frequency of the spectrum) is 0. A
    distractor is a noise frame of matching level: each band normal with the training frames' mean and deviation,
    independent of its neighbours. Clips shorter than a second end in zeros, longer ones are cut.
    """

    source: Literal["speech_commands", "synthetic"] = "speech_commands"
    """`speech_commands`, or `synthetic`: 2,000 gliding tones in noise, one glide a word."""
    words: tuple[str, ...] = Field(("down", "go", "left", "right", "up"), strict=False)
    """The classes, in the order of their labels."""
    window_ms: int = Field(40, ge=1, le=1000)
    """Length of a frame."""
    stride_ms: int = Field(20, ge=1, le=1000)
    """Steps between the beginnings of frames."""
    bands: int = Field(40, ge=1)
    """Mel bands of a frame."""

    @field_validator("words")
    @classmethod
    def _different_words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if len(words) < 2 or len(set(words)) < len(words):
            raise ValueError("needs at least two words, each once")
        return words

    @property
    def layout(self) -> Layout:
        return Layout(evidence=1 + (1000 - self.window_ms) // self.stride_ms, lag=self.lag, readout=1)

    @property
    def inputs(self) -> Features:
        return Features(width=self.bands + 1)

    @property
    def outputs(self) -> int:
        return len(self.words)

    def split_sizes(self) -> dict[str, int]:
        """Those of all words, where they are prepared."""
        return _SYNTHETIC if self.source == "synthetic" else catalogue.split_sizes(self.source)

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        if self.source != "synthetic":
            most = _most_bands(self.window_ms, self.bands)
            if self.bands > most:
                yield "bands", f"{self.bands:,} are too many for windows of {self.window_ms} ms: {most:,} at most"
            known = _label_names()
            unknown = [word for word in self.words if known and word not in known]
            if unknown:
                yield "words", f"'{unknown[0]}' is not in the prepared data, which know {', '.join(sorted(known))}"
        yield from super().problems(batch_size)

    def examples(self, split: str) -> Examples:
        if self.source == "synthetic":
            return _synthetic(len(self.words), self.layout.evidence, self.bands)[split]
        return _splits(self.words, self.window_ms, self.stride_ms, self.bands)[split]

    def distractors(self, rng: np.random.Generator, n: int) -> np.ndarray:
        noise = rng.standard_normal((n, self.lag, self.bands), dtype=np.float32)
        if self.source != "synthetic":
            noise[..., _constant_bands(self.words, self.window_ms, self.stride_ms, self.bands)] = 0
        return noise


def _most_bands(window_ms: int, bands: int) -> int:
    """The largest number of mel bands, `bands` at most, of which each holds a bin of the spectrum of such a window.

    The energy of an empty band is the same in every frame.
    """
    # As `tf.signal.stft` has it, the spectrum is that of the next power of two.
    length = 1 << (window_ms * SAMPLE_RATE // 1000 - 1).bit_length()
    bins = _mel(np.arange(1, length // 2 + 1) * SAMPLE_RATE / length)

    def all_hold_one(count: int) -> bool:
        edges = np.linspace(_mel(_LOWEST), _mel(SAMPLE_RATE / 2), count + 2)
        # Nearer to an edge than rounding tells, a bin counts for nothing.
        margin = 1e-4 * (edges[1] - edges[0])
        inside = np.searchsorted(bins, edges[2:] - margin) - np.searchsorted(bins, edges[:-2] + margin)
        return bool((inside > 0).all())

    # No bin lies in more than two bands.
    return next((count for count in range(min(bands, 2 * len(bins)), 0, -1) if all_hold_one(count)), 0)


def _mel(hertz: Any) -> Any:
    return 1127 * np.log1p(hertz / 700)


def _label_names() -> list[str]:
    """The words that the prepared data know; none where they are not there."""
    try:
        return (catalogue.find("speech_commands").path / "label.labels.txt").read_text().split()
    except OSError:
        return []


def log_mel(sound: np.ndarray, window_ms: int = 40, stride_ms: int = 20, bands: int = 40) -> np.ndarray:
    """Log-mel energies of one second of sound.

    `sound`: (clips, 16000), full scale +-1. Result: (clips, frames, bands) float32, the natural logarithm of the power
    under each of `bands` triangles, evenly spaced from 20 Hz to 8 kHz on the mel scale, plus 1e-6. Hann window.
    """
    import tensorflow as tf

    samples = SAMPLE_RATE // 1000
    length = window_ms * samples
    spectrum = tf.signal.stft(tf.constant(sound, tf.float32), length, stride_ms * samples)
    power = tf.square(tf.abs(spectrum))
    mel = tf.signal.linear_to_mel_weight_matrix(bands, power.shape[-1], SAMPLE_RATE, _LOWEST, SAMPLE_RATE / 2)
    return tf.math.log(tf.matmul(power, mel) + 1e-6).numpy()


def one_second(sound: np.ndarray) -> np.ndarray:
    """16-bit samples of any length as (16000,) float32 of full scale +-1: cut, or zeros at the end."""
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
            f"which holds {', '.join(sorted(held))}"
        )
    frames = [log_mel(np.stack(clips[i : i + 256]), window_ms, stride_ms, bands) for i in range(0, len(clips), 256)]
    return np.concatenate(frames), np.array(labels, dtype=np.int32)


@lru_cache(maxsize=4)
def _synthetic(words: int, frames: int, bands: int) -> Splits:
    """A tone for each word that glides from one band to another, at a varying moment and level, in noise."""
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
