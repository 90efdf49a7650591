"""A task of kinds that the suite's own six are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from rnnbench.tasks.base import Reads, Split
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask


class Lookup(ClassificationTask):
    """Says which of four tokens came first, at one or two steps after the lag that the stream names.

    It reads a token beside two numbers: noise, and 1 where the answer is read. Of an example that is read once, the
    second read step is padding.
    """

    reads: ClassVar[Reads] = "given"

    layout = property(lambda self: Layout(evidence=3, lag=self.lag, readout=4))
    ports = property(lambda self: Ports(features=2, vocabulary=5, embedding=3))
    outputs = property(lambda self: 4)

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        return self._draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name: Split) -> Iterator[Stream]:
        rng = np.random.default_rng([1, name == "test"])
        yield self._draw(rng, 7)
        yield self._draw(rng, 12)

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        features = np.zeros((n, steps, 2), np.float32)
        features[..., 0] = rng.random((n, steps))
        return features, np.full((n, steps), 4, np.int32)

    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        layout = self.layout
        tokens = np.full((n, layout.length), 4, np.int32)
        tokens[:, :3] = rng.integers(4, size=(n, 3))
        first = layout.first_readout + rng.integers(2, size=n)
        readout = np.stack([first, first + 1 + rng.integers(2, size=n)], axis=1).astype(np.int32)
        weights = np.ones((n, 2), np.float32)
        weights[:, 1] = rng.integers(2, size=n)
        features = np.zeros((n, layout.length, 2), np.float32)
        features[..., 0] = rng.random((n, layout.length))
        features[np.arange(n), first, 1] = 1
        return Stream(np.repeat(tokens[:, :1], 2, axis=1), features, tokens, readout, weights)
