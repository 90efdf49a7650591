"""A stream: one batch of sequences, and which of their steps are read, weighed and scored. NumPy only.

Axes: example B, step T, read step R.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np


class Layout(NamedTuple):
    """The three parts of every sequence, in steps."""

    evidence: int
    lag: int
    """Steps between the last evidence step and the first readout step; they carry no information on the answer."""
    readout: int

    @property
    def length(self) -> int:
        return self.evidence + self.lag + self.readout

    @property
    def first_readout(self) -> int:
        """Index of the first readout step; gradient distances count back from it."""
        return self.evidence + self.lag


class Ports(NamedTuple):
    """What a network reads at each step: real features, a token, or both beside each other."""

    features: int = 0
    """Width of the feature vector; 0: none."""
    vocabulary: int = 0
    """Tokens are integers in [0, `vocabulary`); 0: none."""
    embedding: int = 0
    """Dimensions in which tokens are embedded."""

    @property
    def width(self) -> int:
        """Features that the first layer reads: the given ones and the embedding."""
        return self.features + self.embedding


class Stream(NamedTuple):
    """One batch. What is None is as most tasks have it; a task gives the same parts in every batch."""

    targets: np.ndarray
    """(B, R) int32, or (B, R, outputs) float32."""
    features: np.ndarray | None = None
    """(B, T, width) float32."""
    tokens: np.ndarray | None = None
    """(B, T) int32."""
    readout: np.ndarray | None = None
    """(B, R) int32: the steps that are read, in a task that `reads` the `given` ones."""
    weights: np.ndarray | None = None
    """(B, R) float32: share of each read step in the loss and the scores; 0 is padding. None: all alike."""
    scored: np.ndarray | None = None
    """(B, R) bool: which read steps enter the scores, and the loss that is probed. None: all."""

    @property
    def inputs(self) -> np.ndarray:
        """Features or tokens, of a stream that has one of them."""
        (given,) = [part for part in (self.features, self.tokens) if part is not None]
        return given

    @property
    def examples(self) -> int:
        return len(self.targets)

    @property
    def steps(self) -> int:
        """T."""
        return next(part.shape[1] for part in (self.features, self.tokens) if part is not None)

    @property
    def parts(self) -> dict[str, Any]:
        """The parts that it has, by name."""
        return {name: part for name, part in self._asdict().items() if part is not None}

    @property
    def scored_only(self) -> Stream:
        """The stream with no weight on the read steps that are not scored."""
        if self.scored is None:
            return self
        weights = np.float32(1) if self.weights is None else self.weights
        return self._replace(weights=weights * self.scored.astype(np.float32), scored=None)

    def map(self, function: Callable[[Any], Any]) -> Stream:
        """`function` of each part that it has."""
        return Stream(**{name: function(part) for name, part in self.parts.items()})

    def rows(self, chosen: slice | np.ndarray) -> Stream:
        """Some of its examples."""
        return self.map(lambda part: part[chosen])


def joined(streams: Iterable[Stream]) -> Stream:
    """All examples in one stream. All must have the same parts and, but for the examples, shapes."""
    every = list(streams)
    if len(every) == 1:
        return every[0]
    return Stream(**{name: np.concatenate([one.parts[name] for one in every]) for name in every[0].parts})


def stacked(streams: Iterable[Stream]) -> Stream:
    """Streams of equal shapes with a new first axis."""
    every = list(streams)
    return Stream(**{name: np.stack([one.parts[name] for one in every]) for name in every[0].parts})


def chunks(streams: Iterable[Stream], size: int) -> Iterator[Stream]:
    """The same examples, at most `size` in each stream."""
    for stream in streams:
        for first in range(0, stream.examples, size):
            yield stream.rows(slice(first, first + size))
