"""Video: the frames that follow an occlusion, of a film of bouncing digits (Srivastava et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnbench.datasets import catalogue
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.registry import register_task
from rnnbench.tasks import protocol
from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.bouncing import Films, at_constant_velocity, frames, in_the_corner, planned
from rnnbench.tasks.dataset import DatasetTask, Examples, too_few_prepared
from rnnbench.tasks.display import Display
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.sequential_mnist import SequentialMNIST
from rnnbench.tasks.series import LazyArray
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import RegressionTask, mean_of_steps

TRAINING_FILMS = 50_000
_SIZES = {"mnist": {"validation": 500, "test": 1_000}, "synthetic": {"validation": 200, "test": 300}}
_SPLITS = {"train": 0, "validation": 1, "test": 2}
_AVERAGED = 5_000
"""Training films whose frames are averaged."""
_INK = 0.2
"""Pixels of a reduced digit that are not so bright as this are paper; the brightest is 1."""
_CERTAIN = 0.01
"""Answers are taken as probabilities of at least this, and of at most 1 less this."""


@register_task("video")
class Video(DatasetTask, RegressionTask):
    """The next `readout` frames of a film of bouncing digits, after `frames` frames and `lag` hidden ones.

    Digits of MNIST, reduced to `digit` x `digit` pixels, move over a dark canvas of `side` x `side` at constant
    velocity and bounce where their ink meets a wall; where two overlap, the brighter is seen. Inputs and targets are
    frames, row by row, in [0, 1]; at the readout the network sees the marker alone. Its outputs are the pixels
    themselves, and the score is their mean squared error; `binary_cross_entropy`, of outputs cut to [.01, .99], nats a
    pixel, is told beside it. A decoy is a frame of another film, which runs through the lag, told apart by the cue.
    Memoryless: the mean frame of training. Reference: constant velocity, see `bouncing.at_constant_velocity`, which
    sees each digit's film by itself. Validation and test films have digits of their own.
    Source: Srivastava, Mansimov & Salakhutdinov 2015, section 4, where two digits of 28 x 28 pixels move over 64 x 64,
    and velocities are no whole numbers.
    """

    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "decoy")

    source: Literal["mnist", "synthetic"] = "mnist"
    """`mnist`, or `synthetic`: the ten blurred patterns of `sequential_mnist`."""
    side: int = Field(12, ge=4, le=64)
    """Height and width of a frame, in pixels."""
    digit: int = Field(8, ge=3, le=28)
    """Height and width to which the 28 x 28 pixels of a digit are reduced; its ink is about 7/10 as high."""
    digits: int = Field(1, ge=1)
    """Digits in a film."""
    speed: int = Field(2, ge=1)
    """The highest speed along each axis, pixels a frame; drawn from 1 to this."""
    frames: int = Field(8, ge=3)
    """Frames that the network sees."""
    readout: int = Field(4, ge=1)
    """Frames that it is asked for."""
    occlusion: Literal["moves", "waits"] = "moves"
    """`moves`: the film goes on behind the filler, and the network has to follow what it does not see; `waits`: it
    stands still there, and goes on at the readout."""
    validation_examples: int | None = Field(None, ge=2)
    """Number of validation films. Default: 500 of MNIST's digits, or 200 synthetic."""
    test_examples: int | None = Field(None, ge=2)
    """Number of test films. Default: 1,000 of MNIST's digits, or 300 synthetic."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.frames, lag=self.lag, readout=self.readout)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(self.side**2)

    @property
    def outputs(self) -> int:
        return self.side**2

    @property
    def moves_on(self) -> bool:  # type: ignore[override]  # a setting decides
        return self.occlusion == "moves"

    def display(self) -> Display:
        """Frames side by side, of the evidence and of the answer."""
        return replace(super().display(), kind="image", picture=self._side_by_side, answer_picture=self._side_by_side)

    def _side_by_side(self, frames: np.ndarray) -> np.ndarray:
        """(frames, pixels) to (side, frames x side), in [0, 1]."""
        return np.clip(np.concatenate(frames.reshape(-1, self.side, self.side), axis=1), 0, 1)

    def split_sizes(self) -> dict[str, int]:
        asked = {"validation": self.validation_examples, "test": self.test_examples}
        return {"train": TRAINING_FILMS} | {name: n or _SIZES[self.source][name] for name, n in asked.items()}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        if self.digit >= self.side:
            yield "digit", f"{self.digit} is too large for frames of side {self.side}: at most {self.side - 1}"
        yield from too_few_prepared(self.source, "train", 60_000, "source")
        yield from too_few_prepared(self.source, "test", 10_000, "source")
        yield from super().problems(batch_size)

    def examples(self, split: str) -> Examples:
        """Of films whose frames are made when they are asked for."""
        asked = self.frames + (self.lag if self.moves_on else 0) + np.arange(self.readout)
        n, shown = self.split_sizes()[split], np.arange(self.frames)
        evidence = LazyArray(n, lambda rows: self._pixels(split, rows, shown))
        targets = LazyArray(n, lambda rows: self._pixels(split, rows, asked))
        return Examples(evidence, targets)  # type: ignore[arg-type]  # indexed as arrays are

    def _pixels(self, split: str, rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        """(films, times, pixels)"""
        whole = self._layers(split, rows, times).max(axis=1)
        return whole.reshape(*whole.shape[:2], -1)

    def _layers(self, split: str, rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        pictures, sizes = _digits(self.source, self.digit)[split]
        return frames(_films(self, split).rows(rows), pictures, sizes, self.side, times)

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        pictures, sizes = _digits(self.source, self.digit)["train"]
        films = planned(rng, n, self.digits, sizes, self.side, self.speed)
        return frames(films, pictures, sizes, self.side, np.arange(steps)).max(axis=1).reshape(n, steps, -1)

    def without_marker(self, stream: Stream) -> Stream:
        """The marker at every readout step replaced by filler."""
        assert stream.features is not None
        features = stream.features.copy()
        features[:, -self.readout :] = self.fill(protocol.filler_rng(3), stream.examples, self.readout)
        return stream._replace(features=features)

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """`mse`, `mae` and `loss`, and `binary_cross_entropy`, nats a pixel (Srivastava et al. sum over the pixels)."""
        likely = np.clip(outputs.astype(np.float64), _CERTAIN, 1 - _CERTAIN)
        nats = -(stream.targets * np.log(likely) + (1 - stream.targets) * np.log1p(-likely)).mean(axis=-1)
        return super().scores(stream, outputs) | {
            "binary_cross_entropy": mean_of_steps(nats, stream.scored_only.weights)
        }

    def memoryless(self, split: Split = "test") -> float:
        """Mean squared error of the mean frame that training asks for."""
        return float(_errors(self.bare, split)["mean frame"].mean())

    def level_error(self, split: Split = "test") -> float:
        """That of the mean frame, over the films."""
        return float(_errors(self.bare, split)["mean frame"].std() / math.sqrt(self.distinct(split)))

    def reference(self, split: Split = "test") -> float:
        """Mean squared error of constant velocity; 0 unless the frames seen leave a doubt."""
        return float(_errors(self.bare, split)["constant velocity"].mean())

    def levels(self) -> dict[str, float]:
        """The mean frame, the last one seen and constant velocity, by name; with decoys also position-blind.

        `place alone`: the mean digit of training where the right one is, of one who knows where but not what.
        """
        found = super().levels()
        found |= {name: float(errors.mean()) for name, errors in _errors(self.bare, "test").items()}
        return found | ({"position-blind": position_blind(self)} if self.filler == "decoy" else {})

    @property
    def bare(self) -> Video:
        """The same films, whatever the protocol."""
        same = {"filler": "blank", "training_lags": "fixed", "lead": "none", "lag": self.lag if self.moves_on else 0}
        return self.model_copy(update=same)


@in_memory(maxsize=8)
def _errors(task: Video, split: Split) -> dict[str, np.ndarray]:
    """Squared error of each film of a split, (n,), of what is foretold without a network."""
    evidence, targets = (np.asarray(part, np.float32) for part in task.examples(split))
    known = task.examples("train").targets[:_AVERAGED]
    asked = task.layout.first_readout if task.moves_on else task.frames
    rows, times = np.arange(len(targets)), asked + np.arange(task.readout)
    layers = task._layers(split, rows, np.arange(task.frames)).swapaxes(0, 1)
    followed = np.max([at_constant_velocity(layer, times) for layer in layers], axis=0)
    pictures, sizes = _digits(task.source, task.digit)[split]
    mean = _digits(task.source, task.digit)["train"][0].mean(axis=0)
    placed = frames(_films(task, split), np.broadcast_to(mean, pictures.shape), sizes, task.side, times).max(axis=1)
    foretold = {
        "mean frame": known.mean(axis=(0, 1), dtype=np.float64),
        "last frame": evidence[:, -1:],
        "constant velocity": followed.reshape(targets.shape),
        "place alone": placed.reshape(targets.shape),
    }
    return {name: np.mean((frame - targets.astype(np.float64)) ** 2, axis=(1, 2)) for name, frame in foretold.items()}


@in_memory(maxsize=6)
def _films(task: Video, split: str) -> Films:
    _, sizes = _digits(task.source, task.digit)[split]
    rng = np.random.default_rng([0xF117, _SPLITS[split]])
    return planned(rng, task.split_sizes()[split], task.digits, sizes, task.side, task.speed)


@in_memory(maxsize=4)
def _digits(source: str, size: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The digits of each split, (n, size, size) in the upper left corner, and the extents of their ink, (n, 2)."""
    if source == "synthetic":
        pictures = _reduced(source, size)
    else:
        catalogue.check(source)
        versions = {"video": Video.version, "mnist": SequentialMNIST.version, "data": catalogue.fingerprint(source)}
        pictures = cached("moving-digits", {"size": size, **versions}, lambda: _reduced(source, size))
    return {split: in_the_corner(of_split) for split, of_split in pictures.items()}


def _reduced(source: str, size: int) -> dict[str, np.ndarray]:
    whole = SequentialMNIST(lag=0, source=source, training_lags="fixed")  # type: ignore[arg-type]  # one of its sources
    return {split: reduced(whole.examples(split).evidence, size) for split in _SPLITS}


def reduced(images: np.ndarray, size: int) -> np.ndarray:
    """Images, (n, side, side), as (n, size, size) float32: means over equal areas, the brightest of them 1.

    What is darker than .2 is 0, so that every picture has an edge.
    """
    edges = np.linspace(0, images.shape[-1], size + 1)
    pixels = np.arange(images.shape[-1])
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    share = (np.maximum(overlap, 0) / np.diff(edges)[:, None]).astype(np.float32)
    means = share @ images @ share.T
    means = means / np.maximum(means.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    return np.where(means < _INK, np.float32(0), means)
