"""Transcription: which words were spoken, one behind another, with a lag before they are asked and no alignment."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field, field_validator

from rnnbench.datasets.cache import in_memory
from rnnbench.registry import register_task
from rnnbench.tasks import protocol, simple_models
from rnnbench.tasks.alignment import collapsed, ctc_nats, edit_distances
from rnnbench.tasks.base import Filler, Score, Split
from rnnbench.tasks.checking import check_range, check_shape
from rnnbench.tasks.dataset import DatasetTask, Examples
from rnnbench.tasks.display import Display
from rnnbench.tasks.examples import stored
from rnnbench.tasks.series import LazyArray
from rnnbench.tasks.speech_commands import SpeechCommands
from rnnbench.tasks.stream import Layout, Ports, Stream

TRAINING_STRINGS = 20_000
_SIZES = {"speech_commands": {"validation": 500, "test": 1_000}, "synthetic": {"validation": 200, "test": 300}}
_SPLITS = {"train": 0, "validation": 1, "test": 2}
_MOST_STRINGS = 20_000
"""Strings of words among which the best constant answer is sought."""


class Strings(NamedTuple):
    """Plans of n strings of spoken words."""

    clips: np.ndarray
    """(n, most words) int: the clip of each word, of which the last `lengths` are spoken."""
    lengths: np.ndarray
    """(n,) int: words spoken."""
    ends: np.ndarray
    """(n, most words) int: the step behind each clip; the last ends with the evidence."""

    def spoken(self, labels: np.ndarray, blank: int) -> np.ndarray:
        """The words of each string, (n, most words), with blanks behind them; `labels`: of each clip, (clips,)."""
        most = self.clips.shape[1]
        order = (np.arange(most) - self.lengths[:, None]) % most
        in_front = np.take_along_axis(labels[self.clips], order, axis=1)
        return np.where(np.arange(most) < self.lengths[:, None], in_front, blank)


@register_task("transcription")
class Transcription(DatasetTask):
    """Write down `fewest_words` to `most_words` spoken words, after a lag, in `readout` steps scored by CTC.

    Clips of the task `speech_commands`, with its features, stand one behind another, with up to `silence` silent steps
    between two, and silence before the first, so that all strings end with the evidence. A silent step is each band's
    lowest value in training: that of digital silence, with which short clips are padded. Clips are drawn at random, so
    neighbours are of different speakers, as a rule; those of a split are in no other. At the readout the network sees
    the marker alone, and says a word or the blank, the last class, at each step; the answer is the most likely class of
    each, runs of equal ones taken once and blanks dropped. `loss`: CTC (Graves et al. 2006), nats an example. Score:
    `label_error_rate`, the edit distance over the number of words spoken, of each string; that of a split is the mean
    over its strings (section 2.1 there). Targets: (B, readout) int32, words with blanks behind them.
    Memoryless: the best constant string. Reference: a logistic regression on all frames of each clip, whose place and
    number are known to it.
    """

    version: ClassVar[int] = 1
    score: ClassVar[Score] = Score("label_error_rate", higher_is_better=False, perfect=0.0)
    aligned: ClassVar[bool] = False
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor")

    source: Literal["speech_commands", "synthetic"] = "speech_commands"
    """`speech_commands`, or `synthetic`: 2,000 training clips of gliding tones in noise, one glide per word."""
    words: tuple[str, ...] = Field(("down", "go", "left", "right", "up"), strict=False)
    """The words that are spoken, in the order of their labels; at least two."""
    fewest_words: int = Field(2, ge=1)
    """Words in the shortest string."""
    most_words: int = Field(4, ge=1, le=8)
    """Words in the longest string; all lengths are equally frequent."""
    silence: int = Field(5, ge=0)
    """The longest silence between two words, in steps; drawn from 0 to this."""
    readout: int | None = Field(None, ge=1)
    """Steps in which the words are to be said. Default: 2 x `most_words` + 1, so that a blank fits before, between and
    behind them."""
    window_ms: int = Field(40, ge=1, le=1000)
    """Length of a frame, in milliseconds."""
    stride_ms: int = Field(40, ge=1, le=1000)
    """Time between the starts of consecutive frames, in milliseconds."""
    bands: int = Field(40, ge=1)
    """Number of mel bands per frame."""
    validation_examples: int | None = Field(None, ge=2)
    """Number of validation strings. Default: 500 of recorded words, or 200 synthetic."""
    test_examples: int | None = Field(None, ge=2)
    """Number of test strings. Default: 1,000 of recorded words, or 300 synthetic."""

    @field_validator("words")
    @classmethod
    def _different_words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if len(words) < 2 or len(set(words)) < len(words):
            raise ValueError("must be at least two different words, without repeats")
        return words

    @property
    def clips(self) -> SpeechCommands:
        """The task whose clips are spoken."""
        shared = ("source", "words", "window_ms", "stride_ms", "bands")
        settings: dict[str, Any] = {name: getattr(self, name) for name in shared}
        return SpeechCommands(lag=0, training_lags="fixed", **settings)

    @property
    def layout(self) -> Layout:
        of_clip = self.clips.layout.evidence
        evidence = self.most_words * of_clip + (self.most_words - 1) * self.silence
        return Layout(evidence=evidence, lag=self.lag, readout=self.readout or 2 * self.most_words + 1)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(self.bands)

    @property
    def outputs(self) -> int:
        return len(self.words) + 1

    @property
    def blank(self) -> int:
        """The class that says nothing."""
        return len(self.words)

    def display(self) -> Display:
        """Frames, and words in place of classes."""
        return replace(
            super().display(),
            kind="frames",
            classes=(*self.words, "-"),
            answered=lambda outputs: self._as_words(collapsed(outputs.argmax(axis=-1)[None], self.blank)[0][0]),
            told=self._as_words,
        )

    def _as_words(self, labels: np.ndarray) -> str:
        return " ".join(self.words[label] for label in labels if label != self.blank) or "nothing"

    def split_sizes(self) -> dict[str, int]:
        asked = {"validation": self.validation_examples, "test": self.test_examples}
        return {"train": TRAINING_STRINGS} | {name: n or _SIZES[self.source][name] for name, n in asked.items()}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        if self.fewest_words > self.most_words:
            yield "fewest_words", f"{self.fewest_words} is more than most_words, {self.most_words}"
        least = 2 * self.most_words - 1
        if self.layout.readout < least:
            yield "readout", f"{self.readout} is too short for {self.most_words} equal words and the blanks: {least}"
        yield from ((key, reason) for key, reason in self.clips.problems(1) if key in type(self).model_fields)
        yield from super().problems(batch_size)

    def examples(self, split: str) -> Examples:
        """Of strings whose frames are put together when they are asked for."""
        spoken, strings = self.clips.examples(split), _strings(self, split)
        evidence = LazyArray(len(strings.lengths), lambda rows: self._frames(split, rows))
        targets = np.full((len(strings.lengths), self.layout.readout), self.blank, np.int32)
        targets[:, : self.most_words] = strings.spoken(spoken.targets, self.blank)
        return Examples(evidence, targets)  # type: ignore[arg-type]  # indexed as arrays are

    def _frames(self, split: str, rows: np.ndarray) -> np.ndarray:
        """(strings, steps, bands)"""
        clips, strings = self.clips.examples(split).evidence, _strings(self, split)
        found = np.broadcast_to(_silent(self.clips), (len(rows), self.layout.evidence, self.bands)).copy()
        within = np.arange(-clips.shape[1], 0)
        for word in range(self.most_words):
            at = np.flatnonzero(self.most_words - word <= strings.lengths[rows])
            steps = strings.ends[rows[at], word][:, None] + within
            found[at[:, None], steps] = clips[strings.clips[rows[at], word]]
        return found

    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        return self.clips.distractors(rng, n, steps)

    def without_marker(self, stream: Stream) -> Stream:
        """The marker at every readout step replaced by filler."""
        assert stream.features is not None
        steps, features = self.layout.readout, stream.features.copy()
        features[:, -steps:] = self.fill(protocol.filler_rng(3), stream.examples, steps)
        return stream._replace(features=features)

    def check_targets(self, stream: Stream, what: str) -> None:
        check_shape(stream.targets, what, "targets", stream.targets.shape[:2])
        check_range(stream.targets, what, "target", self.outputs)

    def loss(self, stream: Stream, outputs: Any) -> Any:
        """-log of the summed probability of all paths that say the words, nats."""
        from keras import ops

        targets = ops.convert_to_tensor(stream.targets)
        lengths = ops.sum(ops.cast(targets != self.blank, "int32"), axis=1)
        steps = ops.full_like(lengths, self.layout.readout)
        return ops.ctc_loss(targets, ops.convert_to_tensor(outputs), lengths, steps, mask_index=self.blank)

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """`label_error_rate`, and `loss`."""
        lengths = (stream.targets != self.blank).sum(axis=1)
        said, said_lengths = collapsed(outputs.argmax(axis=-1), self.blank)
        errors = edit_distances(said, said_lengths, stream.targets, lengths) / lengths
        defined = np.isfinite(outputs).all(axis=(1, 2))
        return {
            "label_error_rate": np.where(defined, errors, math.nan),
            "loss": ctc_nats(stream.targets, lengths, outputs, self.blank),
        }

    def memoryless(self, split: Split = "test") -> float:
        """Label error rate of the best answer that is the same for all strings: see `constant_answer`."""
        return float(_constant_errors(self._bare, split).mean())

    def level_error(self, split: Split = "test") -> float:
        """That of the best constant answer, over the strings."""
        return float(_constant_errors(self._bare, split).std() / math.sqrt(self.distinct(split)))

    def reference(self, split: Split = "test") -> float:
        """Label error rate of a logistic regression on each clip."""
        return _fitted(self._bare)[split]

    def levels(self) -> dict[str, float]:
        """The best constant answer and the logistic regression, by name too."""
        found = super().levels()
        return found | {"constant answer": found["memoryless"], "logistic regression": found["reference"]}

    @property
    def _bare(self) -> Transcription:
        """The same strings, whatever the protocol."""
        return self.model_copy(update={"filler": "blank", "training_lags": "fixed", "lead": "none", "lag": 0})


@in_memory(maxsize=6)
def _strings(task: Transcription, split: str) -> Strings:
    """Clips are dealt out in rounds, each in a new order, so that all are spoken about equally often."""
    n, most, clips = task.split_sizes()[split], task.most_words, len(task.clips.examples(split).targets)
    rng = np.random.default_rng([0x5A7, _SPLITS[split]])
    lengths = rng.integers(task.fewest_words, most + 1, size=n)
    dealt = np.concatenate([rng.permutation(clips) for _ in range(-(-n * most // clips))])[: n * most]
    silences = rng.integers(task.silence + 1, size=(n, most))
    silences[:, -1] = 0
    of_clip = task.clips.layout.evidence
    after = np.cumsum((of_clip + silences)[:, ::-1], axis=1)[:, ::-1] - of_clip
    return Strings(dealt.reshape(n, most), lengths, task.layout.evidence - after)


@in_memory(maxsize=4)
def _silent(clips: SpeechCommands) -> np.ndarray:
    """(bands,): the lowest value of each band in training."""
    return np.asarray(clips.examples("train").evidence.min(axis=(0, 1)))


@in_memory(maxsize=16)
def _constant_errors(task: Transcription, split: str) -> np.ndarray:
    """Label error rate of each string, (n,), of the best constant answer."""
    targets = task.examples(split).targets
    lengths = (targets != task.blank).sum(axis=1)
    answer = constant_answer(targets, lengths, len(task.words))
    return edit_distances(answer, np.array(len(answer)), targets, lengths) / lengths


def constant_answer(targets: np.ndarray, lengths: np.ndarray, words: int) -> np.ndarray:
    """The string of words with the lowest mean label error rate over all targets, (n, R), the shorter of equals.

    Of all strings as long as the longest target or shorter; where these are more than 20,000, of the most frequent
    words alone.
    """
    most = int(lengths.max())
    spoken = np.arange(targets.shape[1]) < lengths[:, None]
    frequent = np.argsort(-np.bincount(targets[spoken], minlength=words), kind="stable")
    kept = next(k for k in range(words, 0, -1) if k == 1 or sum(k**n for n in range(most + 1)) <= _MOST_STRINGS)
    different, counts = np.unique(np.column_stack([targets, lengths]), axis=0, return_counts=True)
    known, known_lengths = different[:, :-1], different[:, -1]
    shares = counts / known_lengths
    best, least = np.zeros(0, np.int64), float(counts.sum())
    for length in range(1, most + 1):
        strings = np.array(list(itertools.product(np.sort(frequent[:kept]), repeat=length)))
        for first in range(0, len(strings), 500):
            some = strings[first : first + 500]
            errors = edit_distances(some[:, None], np.array(length), known, known_lengths) @ shares
            if errors.min() < least * (1 - 1e-12):
                best, least = some[int(errors.argmin())], float(errors.min())
    return best


@in_memory(maxsize=16)
def _fitted(task: Transcription) -> dict[str, float]:
    return stored(task, "reference", {"lag", "filler", "readout"}, lambda: _fit(task))


def _fit(task: Transcription) -> dict[str, float]:
    splits = {split: task.clips.examples(split) for split in _SPLITS}
    seen = {split: clips.evidence.reshape(len(clips.evidence), -1) for split, clips in splits.items()}
    answers = simple_models.logistic(
        seen["train"], splits["train"].targets, seen["validation"], splits["validation"].targets
    )
    found = {}
    for split in ("validation", "test"):
        strings = _strings(task, split)
        told, right = (strings.spoken(one, task.blank) for one in (answers(seen[split]), splits[split].targets))
        errors = edit_distances(told, strings.lengths, right, strings.lengths)
        found[split] = float((errors / strings.lengths).mean())
    return found
