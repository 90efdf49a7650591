"""Copy-memory: recall K symbols after a lag of T steps, as in Arjovsky, Shah & Bengio 2016."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnbench.registry import register_task
from rnnbench.tasks import protocol
from rnnbench.tasks.base import Filler, Reads, Split
from rnnbench.tasks.display import Display, letters
from rnnbench.tasks.generated import GeneratedTask
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask, cross_entropy, mean_of_steps


@register_task("copy_memory")
class CopyMemory(GeneratedTask, ClassificationTask):
    """Repeat `symbols` symbols, which stood first, after `lag` steps of blanks or noise.

    With K = `symbols` and T = `lag`. Input, one-hot: K symbols from 1..`alphabet`, T-1 blanks (0), the marker
    `alphabet`+1 at index T+K-1, K blanks; length T+2K. Target: T+K blanks, then the K symbols. A filler of `zeros`
    replaces each of the T-1 blanks with a vector of zeros, one of `distractor` with a random symbol of a second
    alphabet, of the same size and never a target; its places in the one-hot are there, at 0, with every filler.
    Source: Arjovsky, Shah & Bengio 2016, section 5.1, and its `memory_problem.py`.
    """

    lag: int = Field(ge=1)
    """Steps between the last symbol and the first recall step: T in the papers."""
    symbols: int = Field(10, ge=1)
    """Number of symbols to remember: K in the papers."""
    alphabet: int = Field(8, ge=2)
    """Number of distinct symbols."""
    objective: Literal["recall", "all"] = "recall"
    """What is asked, and trained on. `recall`: the K recall steps; `all`: every step, the blanks too, as in the papers.
    The score is of the recall steps in both."""

    version: ClassVar[int] = 2
    solved_score: ClassVar[float | None] = 0.99
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor")
    least_lag: ClassVar[int] = 1

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.symbols, lag=self.lag, readout=self.symbols)

    @property
    def ports(self) -> Ports:
        return Ports(features=2 + 2 * self.alphabet)

    @property
    def reads(self) -> Reads:  # type: ignore[override]  # a setting decides
        return "end" if self.objective == "recall" else "every step"

    @property
    def outputs(self) -> int:
        return self.alphabet + 1

    def display(self) -> Display:
        """Symbols are capitals, those of the second alphabet small letters."""
        symbols = letters(self.alphabet)
        seconds = [symbol.lower() if symbol.isalpha() else f"{symbol}b" for symbol in symbols]
        return Display("symbols", ("blank", *symbols, "marker", *seconds), classes=("blank", *symbols))

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Zeros, blanks or symbols of the second alphabet."""
        if self.filler == "zeros":
            return np.zeros((n, steps, self.ports.features), dtype=np.float32)
        if self.filler == "blank":
            return self._one_hot(np.zeros((n, steps), dtype=np.int32))
        first = self.alphabet + 2
        return self._one_hot(rng.integers(first, first + self.alphabet, size=(n, steps)))

    def without_marker(self, stream: Stream) -> Stream:
        """The marker, one step before the recall steps, replaced by filler."""
        assert stream.features is not None
        features = stream.features.copy()
        marker = stream.steps - self.symbols - 1
        features[:, marker : marker + 1] = self.fill(protocol.filler_rng(3), stream.examples, 1)
        return stream._replace(features=features)

    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        symbols = rng.integers(1, self.alphabet + 1, size=(n, self.symbols))
        index = np.zeros((n, self.layout.length), dtype=np.int32)
        index[:, : self.symbols] = symbols
        index[:, self.symbols + self.lag - 1] = self.alphabet + 1
        features = self._one_hot(index)
        features[:, self.symbols : self.symbols + self.lag - 1] = self.fill(rng, n, self.lag - 1)
        if self.objective == "recall":
            return Stream(targets=symbols.astype(np.int32), features=features)
        targets = np.zeros_like(index)
        targets[:, -self.symbols :] = symbols
        recalled = np.arange(self.layout.length) >= self.layout.first_readout
        return Stream(targets=targets, features=features, scored=np.broadcast_to(recalled, targets.shape))

    def _one_hot(self, index: np.ndarray) -> np.ndarray:
        return np.eye(self.ports.features, dtype=np.float32)[index]

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Recall accuracy and cross entropy; with `objective: all` that of all positions too, which is then `loss`."""
        found = super().scores(stream, outputs)
        if self.objective == "recall":
            return found | {"recall_loss": found["loss"]}
        of_recall = mean_of_steps(cross_entropy(stream.targets, outputs), stream.scored_only.weights)
        return found | {"recall_loss": of_recall, "all_position_loss": found["loss"]}

    def memoryless(self, split: Split = "test") -> float:
        """Chance: 1 / `alphabet`."""
        return 1 / self.alphabet

    def levels(self) -> dict[str, float]:
        return super().levels() | {"chance": self.memoryless()}
