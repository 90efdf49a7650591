"""Parity: whether the marked bits of a sequence add up to an odd number, after a lag."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler
from rnnbench.tasks.display import Display
from rnnbench.tasks.generated import GeneratedTask
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask

_OTHERS = 2
"""First channel of the two distractors."""
_MARK, _BLANK, _MARKER = -3, -2, -1


@register_task("parity")
class Parity(GeneratedTask, ClassificationTask):
    """Tell whether the marked bits of the evidence hold an odd number of ones. Score: accuracy.

    Each of the `evidence` steps has a random bit, one-hot. Some are marked: how many is drawn for each sequence from
    `fewest` to `marked`, all numbers alike, and which of the steps, too. One bit of state is enough, but it must change
    at each marked one and at nothing else. Both answers are equally likely, whatever the marks are and whatever all
    but one of the marked bits are; without the evidence half of the answers are right. Sequences with one mark ask for
    that bit alone, and let training begin; `fewest: 10, marked: 10, evidence: 10` marks every bit, as parity checks do.

    Channels: zero, one, two distractors, mark, blank, marker. After the lag one step has the marker. Decoys are further
    random bits: the mark, which they lack, is the cue. The unmarked bits of the evidence are the same. Distractors
    are two symbols that the evidence does not use.

    Source: Graves 2016, section 3.1 (a random number of a vector's elements are set to 1 or -1, the others to 0), here
    read element by element; the parity check of Delétang et al. 2022 ("Neural networks and the Chomsky hierarchy").
    """

    evidence: int = Field(10, ge=1)
    """Number of steps with a bit."""
    marked: int = Field(5, ge=1)
    """Most steps that are marked in a sequence: at most `evidence`."""
    fewest: int = Field(1, ge=1)
    """Fewest steps that are marked in a sequence: at most `marked`."""

    version: ClassVar[int] = 1
    solved_score: ClassVar[float | None] = 0.99
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor", "decoy")

    @model_validator(mode="after")
    def _marks_fit(self) -> Self:
        if self.marked > self.evidence:
            raise ValueError(
                f"'marked: {self.marked}' is more than there are steps to mark; 'evidence' is {self.evidence}"
            )
        if self.fewest > self.marked:
            raise ValueError(
                f"'fewest: {self.fewest}' is more than the most that are marked; 'marked' is {self.marked}"
            )
        return self

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.evidence, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return Ports(features=7)

    @property
    def outputs(self) -> int:
        return 2

    def display(self) -> Display:
        """A zero is o, a one is x; what is asked is whether the marked x are an even or an odd number."""
        return Display("symbols", ("o", "x", "a", "b"), ("mark", "blank", "marker"), classes=("even", "odd"))

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Zeros, the blank of a channel of its own, one of two symbols apart from the bits, or unmarked bits."""
        if self.filler in ("distractor", "decoy"):
            return self._one_hot(rng.integers(2, size=(n, steps)) + (_OTHERS if self.filler == "distractor" else 0))
        filler = np.zeros((n, steps, self.ports.features), dtype=np.float32)
        filler[..., _BLANK] = self.filler == "blank"
        return filler

    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        bits = rng.integers(2, size=(n, self.evidence))
        count = rng.integers(self.fewest, self.marked + 1, size=(n, 1))
        # The places of the smallest of some random numbers: any set of them is as likely as any other.
        marks = rng.random((n, self.evidence)).argsort(axis=1).argsort(axis=1) < count
        evidence = self._one_hot(bits)
        evidence[..., _MARK] = marks
        asked = np.zeros((n, 1, self.ports.features), dtype=np.float32)
        asked[..., _MARKER] = 1
        features = np.concatenate([evidence, self.fill(rng, n, self.lag), asked], axis=1)
        odd = (bits * marks).sum(axis=1, keepdims=True) % 2
        return Stream(targets=odd.astype(np.int32), features=features)

    def _one_hot(self, index: np.ndarray) -> np.ndarray:
        return np.eye(self.ports.features, dtype=np.float32)[index]

    def levels(self) -> dict[str, float]:
        """With `last marked bit`: what one gets who remembers that alone, where one mark may be all there is.

        It is right of every sequence with one mark, and of half of the others. With decoys a logistic regression on
        the mean of all steps, too.
        """
        found = super().levels() | {"chance": 0.5}
        if self.fewest == 1:
            found["last marked bit"] = 0.5 + 0.5 / self.marked
        return found | ({"position-blind": position_blind(self)} if self.filler == "decoy" else {})
