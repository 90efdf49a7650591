"""A plug-in task of many answers: sequences of unequal length are repeated, token by token."""

import numpy as np
from pydantic import Field

from rnnbench import ClassificationTask, Layout, Ports, Stream, register_task

PADDING, BLANK, MARKER = 0, 1, 2


@register_task("echo")
class Echo(ClassificationTask):
    """Repeat one to `longest` symbols. Shorter sequences are padded in front; nothing is asked after their end."""

    fillers = ("blank", "distractor")

    longest: int = Field(3, ge=1)
    symbols: int = Field(4, ge=2)

    layout = property(lambda self: Layout(evidence=self.longest, lag=self.lag, readout=self.longest))
    # Padding, blank and marker, the symbols, and as many distractors.
    ports = property(lambda self: Ports(vocabulary=3 + 2 * self.symbols, embedding=8))
    outputs = property(lambda self: self.symbols)

    def train_batch(self, seed, step, batch_size):
        return self._draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        for part in range(4):  # in several streams, as if it did not fit in memory
            yield self._draw(np.random.default_rng([1, name == "test", part]), 100)

    def fill(self, rng, n, steps):
        if self.filler == "blank":
            return np.full((n, steps), BLANK, np.int32)
        return rng.integers(3 + self.symbols, 3 + 2 * self.symbols, size=(n, steps)).astype(np.int32)

    def memoryless(self, split="test"):
        return 1 / self.symbols

    def _draw(self, rng, n):
        length = rng.integers(1, self.longest + 1, size=(n, 1))
        targets = rng.integers(self.symbols, size=(n, self.longest)).astype(np.int32)
        place = np.arange(self.longest)
        at = (place - (self.longest - length)) % self.longest
        shown = np.where(place < self.longest - length, PADDING, 3 + np.take_along_axis(targets, at, axis=1))
        asked = np.full((n, self.longest), MARKER)
        tokens = np.concatenate([shown, self.fill(rng, n, self.lag), asked], axis=1).astype(np.int32)
        return Stream(targets, tokens=tokens, weights=(place < length).astype(np.float32))
