"""Selective copying: recall K symbols that stood at random places, as in Gu & Dao 2023."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from rnnbench.registry import register_task
from rnnbench.tasks import protocol
from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.display import Display, letters
from rnnbench.tasks.generated import GeneratedTask
from rnnbench.tasks.most_frequent import share_of_most_frequent
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask


@register_task("selective_copy")
class SelectiveCopy(GeneratedTask, ClassificationTask):
    """Repeat, in their order, `symbols` symbols that stood at random places of the evidence. Score: accuracy.

    The places differ from sequence to sequence, so that what to keep is told by what is read and not by when. Between
    the symbols stand `gaps`. After the lag come as many steps with the marker as there are symbols, and one symbol is
    the answer at each. Symbols are drawn apart from each other: without the evidence one in `alphabet` is right.

    One-hot: symbols, a second alphabet of the same size, blank, marker. Distractors are symbols of the second alphabet.
    There are no decoys: what is to be recalled is told from everything else by being a symbol, so symbols that do not
    count would need a mark, and the mark would then be what selects.

    Source: Gu & Dao 2023 ("Mamba"), section 3.1; Jing et al. 2019 ("Gated orthogonal recurrent units"), where it is
    called denoising. Both have blanks between the symbols, and no lag after them.
    """

    symbols: int = Field(4, ge=1)
    """Number of symbols to remember: K."""
    alphabet: int = Field(8, ge=2)
    """Number of distinct symbols."""
    evidence: int = Field(16, ge=1)
    """Number of steps among which the symbols stand: at least `symbols`. As many make it plain copying."""
    gaps: Literal["blank", "distractor"] = "blank"
    """What stands between the symbols, with every filler: blanks, or symbols of the second alphabet."""

    version: ClassVar[int] = 1
    solved_score: ClassVar[float | None] = 0.99
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor")

    @model_validator(mode="after")
    def _symbols_fit(self) -> Self:
        if self.symbols > self.evidence:
            raise ValueError(f"'symbols: {self.symbols}' need as many steps to stand at; 'evidence' is {self.evidence}")
        return self

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.evidence, lag=self.lag, readout=self.symbols)

    @property
    def ports(self) -> Ports:
        return Ports(features=2 * self.alphabet + 2)

    @property
    def outputs(self) -> int:
        return self.alphabet

    def display(self) -> Display:
        """Symbols are capitals, those of the second alphabet small letters."""
        symbols = letters(self.alphabet)
        seconds = [symbol.lower() if symbol.isalpha() else f"{symbol}b" for symbol in symbols]
        return Display("symbols", (*symbols, *seconds, "blank", "marker"), classes=symbols)

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Zeros, blanks or symbols of the second alphabet."""
        if self.filler == "zeros":
            return np.zeros((n, steps, self.ports.features), dtype=np.float32)
        return self._one_hot(self._unasked(self.filler, rng, n, steps))

    def without_marker(self, stream: Stream) -> Stream:
        """The marker of every recall step replaced by filler."""
        assert stream.features is not None
        features = stream.features.copy()
        features[:, -self.symbols :] = self.fill(protocol.filler_rng(3), stream.examples, self.symbols)
        return stream._replace(features=features)

    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        symbols = rng.integers(self.alphabet, size=(n, self.symbols))
        places = np.sort(rng.random((n, self.evidence)).argsort(axis=1)[:, : self.symbols], axis=1)
        index = self._unasked(self.gaps, rng, n, self.evidence)
        np.put_along_axis(index, places, symbols, axis=1)
        marker = np.full((n, self.symbols), self.ports.features - 1)
        parts = [self._one_hot(index), self.fill(rng, n, self.lag), self._one_hot(marker)]
        return Stream(targets=symbols.astype(np.int32), features=np.concatenate(parts, axis=1))

    def _unasked(self, kind: str, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """(n, steps): blanks, or symbols of the second alphabet, as channels."""
        if kind == "distractor":
            return rng.integers(self.alphabet, 2 * self.alphabet, size=(n, steps))
        return np.full((n, steps), self.ports.features - 2)

    def _one_hot(self, index: np.ndarray) -> np.ndarray:
        return np.eye(self.ports.features, dtype=np.float32)[index]

    def memoryless(self, split: Split = "test") -> float:
        """Chance: 1 / `alphabet`."""
        return 1 / self.alphabet

    def levels(self) -> dict[str, float]:
        """With `unordered symbols`: the best answer of who knows which symbols there were, but not their order.

        It is the expected share of the most frequent symbol.
        """
        unordered = share_of_most_frequent(self.symbols, self.alphabet)
        return super().levels() | {"chance": self.memoryless(), "unordered symbols": unordered}
