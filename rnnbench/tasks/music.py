"""Polyphonic music: the next chords of a chorale of Bach's, after a lag or at every step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.registry import register_task
from rnnbench.tasks import chords
from rnnbench.tasks.base import Filler, Score, Split
from rnnbench.tasks.chords import KEYS, ChordModels, Pieces
from rnnbench.tasks.continuing import ContinuingTask
from rnnbench.tasks.dataset import Examples
from rnnbench.tasks.display import Display
from rnnbench.tasks.metric import Estimate, MeanOverExamples, Metric
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import mean_of_steps, weighted_mean

SPLITS = ("train", "validation", "test")
NATS = Score("nats_per_step", higher_is_better=False, perfect=0.0, unit="nats")
_WINDOWS = {"jsb_chorales": 1_000, "synthetic": 200}
_SOLVED_SKILL = 0.5
_PIECES = {
    "jsb_chorales": {"train": 229, "validation": 76, "test": 77},
    "synthetic": {"train": 60, "validation": 20, "test": 20},
}
_LONGEST = {
    "jsb_chorales": {"train": 129, "validation": 144, "test": 160},
    "synthetic": {"train": 40, "validation": 40, "test": 40},
}
"""Steps of the longest piece of each split."""
_LEVELS_VERSION = 1
"""Raise it when a fit changes: what is stored is then computed again."""


@register_task("music")
class Music(ContinuingTask):
    """The next chords of a chorale: 88 keys a step, each on or off by itself. Score: negative log likelihood, nats a
    step, the sum over the keys.

    `form: continuation`: `context` chords, the lag, then the next `readout` chords, each asked for with those before it
    in view: the first readout step reads the marker alone. Features: the keys, MIDI pitches 21 to 108; as many of a
    second instrument, which plays the distractors (stretches of training pieces) and is never asked for; the blank and
    the marker. Memoryless: what is best without the context, each key's share in training for the first chord, then a
    logistic regression for each key on the last chord, then one on the last two. Reference: that on the last two, the
    context in view. Each further chord is told more by those before it, so skill is widest where few are asked for.

    `form: stream`: whole pieces, at each chord of which the next one is asked for, as in Boulanger-Lewandowski et al.
    2012 and Bai et al. 2018: the mean over all steps of all pieces of a split, the first chord of a piece not asked
    for. Short pieces are filled up behind their end, where nothing is asked. Memoryless: the logistic regression on the
    last chord, which is read at the step. Reference: that on the last two.
    """

    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor")
    score: ClassVar[Score] = NATS
    least_squares: ClassVar[bool] = False

    source: Literal["jsb_chorales", "synthetic"] = "jsb_chorales"
    """`jsb_chorales`: 382 chorales in quarter notes; `synthetic`: triads of a key that each piece has of its own."""
    readout: int = Field(2, ge=1)
    """Chords of a `continuation` that are asked for, one after the other."""
    context: int = Field(16, ge=2)
    """Chords that are read before the lag. Not used by `form: stream`."""
    validation_examples: int | None = Field(None, ge=1)
    """Windows of the validation pieces, spread evenly over them; a stream has all pieces. Default: at most 1,000, or
    200 synthetic."""
    test_examples: int | None = Field(None, ge=1)
    """Windows of the test pieces, spread evenly over them; a stream has all pieces. Default: at most 1,000, or 200
    synthetic."""

    @property
    def layout(self) -> Layout:
        if self.form == "continuation":
            return Layout(evidence=self.context, lag=self.lag, readout=self.readout)
        return Layout(evidence=1, lag=0, readout=max(_LONGEST[self.source].values()) - 2)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(2 * KEYS)

    @property
    def outputs(self) -> int:
        return KEYS

    def display(self) -> Display:
        """A picture of the keys, a column a step; answers are the keys that are more likely on than off."""
        return replace(super().display(), kind="frames", answered=lambda outputs: _told(outputs > 0), told=_told)

    def canonical(self) -> Self:
        """`form: stream` has no context and no windows either."""
        bare = super().canonical()
        if self.form == "continuation":
            return bare
        unused = ("context", "validation_examples", "test_examples")
        return bare.model_copy(update={name: type(self).model_fields[name].default for name in unused})

    def split_sizes(self) -> dict[str, int]:
        if self.form == "stream":
            return dict(_PIECES[self.source])
        return {split: len(self._starts(split)) for split in SPLITS} if self.source == "synthetic" else {}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        width, most = self.context + self.readout, min(_LONGEST[self.source].values())
        if self.form == "continuation" and width > most:
            say = f"{self.context:,} is too many: with 'readout' it may be at most {most:,}, the longest training piece"
            yield "context", say
            return
        yield from super().problems(batch_size)

    def examples(self, split: str) -> Examples:
        pieces = _pieces(self.source)[split]
        if self.form == "continuation":
            width = self.context + self.readout
            windows = np.lib.stride_tricks.sliding_window_view(pieces.chords, width, axis=0).swapaxes(1, 2)
            chosen = windows[self._starts(split)]
            return Examples(chosen[:, : self.context], chosen[:, self.context :].astype(np.float32))
        whole = np.zeros((len(pieces.lengths), self.layout.length + 1, KEYS), np.uint8)
        for row, first, length in zip(whole, pieces.first, pieces.lengths, strict=True):
            row[:length] = pieces.chords[first : first + length]
        return Examples(whole[:, :-1], whole[:, 1:].astype(np.float32))

    def _starts(self, split: str) -> np.ndarray:
        """First steps of the windows: all of training; of the others those whose answers are apart, or some of them."""
        pieces, width = _pieces(self.source)[split], self.context + self.readout
        stride = 1 if split == "train" else self.readout
        ranges = zip(pieces.first, pieces.lengths, strict=True)
        starts = np.concatenate([np.arange(first, first + length - width + 1, stride) for first, length in ranges])
        if split == "train":
            return starts
        count = min(len(starts), getattr(self, f"{split}_examples") or _WINDOWS[self.source])
        return starts[np.linspace(0, len(starts) - 1, count).round().astype(int)]

    def step_weights(self, split: str) -> np.ndarray | None:
        """Of a stream: 1 where a piece goes on, 0 behind its end."""
        if self.form == "continuation":
            return None
        lengths = _pieces(self.source)[split].lengths
        return (np.arange(self.layout.length) < lengths[:, None] - 1).astype(np.float32)

    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Stretches of the training pieces, on the second instrument."""
        played = _pieces(self.source)["train"].chords
        at = (rng.integers(len(played), size=(n, 1)) + np.arange(steps)) % len(played)
        return np.concatenate([np.zeros((n, steps, KEYS), np.uint8), played[at]], axis=2)

    def _shown(self, evidence: np.ndarray) -> dict[str, np.ndarray]:
        # The second instrument is silent.
        return super()._shown(np.concatenate([evidence, np.zeros_like(evidence)], axis=2))

    def loss(self, stream: Stream, outputs: Any) -> Any:
        """Nats: the weighted mean over the steps that are read of the sum over the keys."""
        from keras import ops

        targets = ops.cast(stream.targets, outputs.dtype)
        of_steps = ops.sum(ops.softplus(outputs) - targets * outputs, axis=-1)
        return weighted_mean(of_steps, stream.weights)

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """`nats_per_step` of the scored steps, and `loss` of all that are asked."""
        of_steps = chords.nats(stream.targets, outputs)
        return {
            self.score.name: mean_of_steps(of_steps, stream.scored_only.weights),
            "loss": mean_of_steps(of_steps, stream.weights),
        }

    def metric(self) -> Metric:
        """Of windows the mean; of whole pieces that over all of their steps, as long ones count for more."""
        return MeanOverExamples(self.scores) if self.form == "continuation" else _MeanOverSteps(self.score.name)

    def memoryless(self, split: Split = "test") -> float:
        """Nats of the best simple model of the readout's own inputs."""
        return self._level("memoryless", split)

    def reference(self, split: Split = "test") -> float:
        """Nats of the logistic regression on the last two chords; never worse than without the context."""
        return min(self._level("last two chords", split), self.memoryless(split))

    def level_error(self, split: Split = "test") -> float:
        """That of the difference between both levels, example by example: they are of the same chords."""
        return _levels(self._bare)[f"{split} error"]

    def levels(self) -> dict[str, float]:
        """Nats of simple models with the context in view, and of the best without."""
        named = ("silence or not", "each key alone", "last chord", "last two chords")
        found = super().levels() | {name: self._level(name, "test") for name in named}
        return found | ({} if self.form == "stream" else {"last chords without context": self.memoryless()})

    def solves(self, score: float, standard_error: float = math.nan, split: Split = "test") -> bool:
        """As an error is solved, and half of the skill: 1.1 times the reference may be worth little in a likelihood,
        whose zero nobody reaches."""
        return super().solves(score, standard_error, split) and self.skill(score, split) >= _SOLVED_SKILL

    def _level(self, name: str, split: Split) -> float:
        return _levels(self._bare)[f"{split} {name}"]

    @property
    def _bare(self) -> Music:
        """The task without what its levels do not depend on."""
        bare = self.model_copy(update={"lag": 0, "filler": self.fillers[0], "training_lags": "fixed", "lead": "none"})
        return bare.canonical()


class _MeanOverSteps(Metric):
    """Nats over all steps that have a weight; the standard error is that of a ratio of sums over the examples."""

    def __init__(self, score: str) -> None:
        self._score = score
        self._sums: list[np.ndarray] = []
        self._counts: list[np.ndarray] = []

    def update(self, stream: Stream, outputs: np.ndarray) -> None:
        weights = stream.scored_only.weights
        assert weights is not None
        of_steps = chords.nats(stream.targets, outputs)
        self._sums.append(np.where(weights > 0, weights * of_steps, 0.0).sum(axis=1, dtype=np.float64))
        self._counts.append(weights.sum(axis=1, dtype=np.float64))

    def result(self) -> dict[str, Estimate]:
        found = _pooled(np.concatenate(self._sums), np.concatenate(self._counts))
        return {self._score: found, "loss": found}


def _pooled(sums: np.ndarray, counts: np.ndarray) -> Estimate:
    """The sum over all examples by their count of steps."""
    n, value = len(sums), sums.sum() / counts.sum()
    if n < 2:
        return Estimate(float(value))
    gaps = sums - value * counts
    return Estimate(float(value), float(math.sqrt((gaps**2).sum() * n / (n - 1)) / counts.sum()))


def _told(sounding: np.ndarray) -> str:
    """Chords, (R, 88), by the names of their keys."""
    return " | ".join(chords.name_of(chord > 0) for chord in sounding)


@in_memory(maxsize=8)
def _levels(task: Music) -> dict[str, float]:
    """By split and name: nats of simple models, and the standard error of what the reference gains."""
    key = task.data_key
    if key is None:
        return _measured(task)
    settings = task.model_dump(mode="json", include={"form", "context", "readout", *_HELD_OUT})
    versions = {"fit": _LEVELS_VERSION, "task": Music.version, "data": key}
    found = cached(
        "chords", settings | versions, lambda: {name: np.array(value) for name, value in _measured(task).items()}
    )
    return {name: float(value) for name, value in found.items()}


_HELD_OUT = ("validation_examples", "test_examples")
_MODELS = {"silence or not": "marginal", "each key alone": "key", "last chord": "last", "last two chords": "last two"}


def _measured(task: Music) -> dict[str, float]:
    pieces = _pieces(task.source)
    models = ChordModels(pieces["train"], pieces["validation"])
    found: dict[str, float] = {}
    for split in SPLITS[1:]:
        examples, weights = task.examples(split), task.step_weights(split)
        asked = np.ones(examples.targets.shape[:2]) if weights is None else weights
        whole = np.concatenate([np.zeros_like(examples.evidence[:, :1]), examples.evidence], axis=1)
        first = whole.shape[1] if task.form == "continuation" else 2
        if task.form == "continuation":
            whole = np.concatenate([whole, examples.targets[:, :-1]], axis=1)
        of_each = {
            name: _nats_of(models, [model] * asked.shape[1], whole, first, examples.targets, asked)
            for name, model in _MODELS.items()
        }
        alone = ["marginal", "last"] if task.form == "continuation" else ["last"] * asked.shape[1]
        alone = [*alone, *["last two"] * asked.shape[1]][: asked.shape[1]]
        of_each["memoryless"] = _nats_of(models, alone, whole, first, examples.targets, asked)
        counts = asked.sum(axis=1)
        found |= {f"{split} {name}": _pooled(sums, counts).value for name, sums in of_each.items()}
        gained = _pooled(of_each["memoryless"] - of_each["last two chords"], counts)
        found[f"{split} error"] = 0.0 if math.isnan(gained.standard_error) else gained.standard_error
    return found


def _nats_of(
    models: ChordModels, names: list[str], whole: np.ndarray, first: int, targets: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """(n,): the sum over the asked steps; at step r the model of that name sees the chords before `first` + r."""
    sums = np.zeros(len(whole))
    for step, name in enumerate(names):
        before = whole[:, first + step - 2 : first + step]
        sums += asked[:, step] * chords.nats(targets[:, step], models(name, before))
    return sums


@in_memory(maxsize=2)
def _pieces(source: str) -> dict[str, Pieces]:
    if source == "synthetic":
        return {split: _synthetic(at, count) for at, (split, count) in enumerate(_PIECES[source].items())}
    catalogue.check(source)
    arrays = cached("chorales", {"version": Music.version, "data": catalogue.fingerprint(source)}, _read)
    return {split: Pieces(arrays[f"{split}_chords"], arrays[f"{split}_lengths"]) for split in SPLITS}


def _read() -> dict[str, np.ndarray]:
    arrays = {}
    for split in SPLITS:
        rows = list(reading.rows("jsb_chorales", split))
        arrays[f"{split}_chords"] = np.concatenate([chords.keyboard(row["pitches"], row["notes"]) for row in rows])
        arrays[f"{split}_lengths"] = np.array([len(row["notes"]) for row in rows])
    return arrays


def _synthetic(at: int, count: int) -> Pieces:
    """Triads on the degrees of a major scale, in a key that each piece draws; each stays or goes to one of two others,
    with a bass an octave or two below and now and then a passing note."""
    rng = np.random.default_rng([11, at])
    lengths = rng.integers(24, 41, size=count)
    lengths[0] = 40
    scale, steps = np.array([0, 2, 4, 5, 7, 9, 11]), int(lengths.sum())
    keys = np.repeat(rng.integers(0, 12, size=count), lengths)
    degrees = np.cumsum(rng.choice([0, 3, 4], size=steps, p=[0.4, 0.3, 0.3])) % 7
    played = np.zeros((steps, KEYS), np.uint8)
    for third in (0, 2, 4):
        octave, degree = np.divmod(degrees + third, 7)
        played[np.arange(steps), 60 + keys + scale[degree] + 12 * octave - chords.LOWEST] = 1
    bass = 60 + keys + scale[degrees] - 12 * rng.integers(1, 3, size=steps)
    played[np.arange(steps), bass - chords.LOWEST] = 1
    passing = np.flatnonzero(rng.random(steps) < 0.2)
    played[passing, 72 + keys[passing] + scale[rng.integers(7, size=len(passing))] - chords.LOWEST] = 1
    return Pieces(played, lengths)
