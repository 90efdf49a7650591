"""Reversal: say K symbols backwards after a lag, each answer fed back, as an encoder and decoder in one network."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from rnnbench.registry import register_task
from rnnbench.tasks import protocol
from rnnbench.tasks.answer_in_steps import AnswerInSteps
from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.display import Display, letters
from rnnbench.tasks.generated import GeneratedTask
from rnnbench.tasks.stream import Layout, Ports, Stream


@register_task("reversal")
class Reversal(GeneratedTask, AnswerInSteps):
    """Say the `symbols` symbols of the evidence backwards, after `lag` steps of filler.

    With K = `symbols` and A = `alphabet`. Input, one-hot: K independent symbols, each of A alike; the filler; the
    marker; then K - 1 steps, each the answer before. Answers have channels of their own, as the words of two languages
    have. Target: the K symbols, the last one first. A filler of `zeros` is a vector of zeros, a `blank` a channel of
    its own, a `distractor` a random symbol of a second alphabet that is never asked about. The last symbol is `lag` + 1
    steps from its answer, each one before it two steps more. Memoryless: a guess is right once in A^K; earlier answers
    tell nothing of later ones. Source: Sutskever, Vinyals & Le 2014, section 3.3, which reverses the source of a
    translation to bring first words together; here one set of weights reads and answers.
    """

    symbols: int = Field(5, ge=1)
    """Number of symbols to say backwards: K."""
    alphabet: int = Field(8, ge=2)
    """Number of distinct symbols: A."""

    version: ClassVar[int] = 1
    solved_score: ClassVar[float | None] = 0.99
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor")

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.symbols, lag=self.lag, readout=self.symbols)

    @property
    def ports(self) -> Ports:
        return Ports(features=2 + 3 * self.alphabet)

    @property
    def outputs(self) -> int:
        return self.alphabet

    def display(self) -> Display:
        """Symbols are capitals, answers too, behind an arrow; symbols of the second alphabet are small letters."""
        symbols = letters(self.alphabet)
        seconds = [symbol.lower() if symbol.isalpha() else f"{symbol}b" for symbol in symbols]
        answers = [f"→{symbol}" for symbol in symbols]
        return Display("symbols", ("blank", *symbols, "marker", *seconds, *answers), classes=symbols)

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Zeros, blanks or symbols of the second alphabet."""
        if self.filler == "zeros":
            return np.zeros((n, steps, self.ports.features), dtype=np.float32)
        if self.filler == "blank":
            return self._one_hot(np.zeros((n, steps), dtype=np.int32))
        first = self.alphabet + 2
        return self._one_hot(rng.integers(first, first + self.alphabet, size=(n, steps)))

    def fed_back(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The answer of the largest logit, in the channels of the answers."""
        return {"features": self._answered(answers.argmax(axis=-1))}

    def without_marker(self, stream: Stream) -> Stream:
        """The marker, the first step that is read, replaced by filler."""
        assert stream.features is not None
        features = stream.features.copy()
        marker = stream.steps - self.symbols
        features[:, marker : marker + 1] = self.fill(protocol.filler_rng(3), stream.examples, 1)
        return stream._replace(features=features)

    def memoryless(self, split: Split = "test") -> float:
        """A guess: `alphabet` to the power of -`symbols`."""
        return float(self.alphabet) ** -self.symbols

    def levels(self) -> dict[str, float]:
        return super().levels() | {"guess": self.memoryless()}

    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        symbols = rng.integers(0, self.alphabet, size=(n, self.symbols)).astype(np.int32)
        targets = np.ascontiguousarray(symbols[:, ::-1])
        marker = self._one_hot(np.full((n, 1), self.alphabet + 1))
        parts = [self._one_hot(1 + symbols), self.fill(rng, n, self.lag), marker, self._answered(targets[:, :-1])]
        return Stream(targets=targets, features=np.concatenate(parts, axis=1))

    def _answered(self, answers: np.ndarray) -> np.ndarray:
        return self._one_hot(2 + 2 * self.alphabet + answers)

    def _one_hot(self, index: np.ndarray) -> np.ndarray:
        return np.eye(self.ports.features, dtype=np.float32)[index]
