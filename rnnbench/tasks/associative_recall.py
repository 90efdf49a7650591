"""Associative recall: the value that stood behind a key, as in Ba et al. 2016, and for several keys as in MQAR."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.display import Display, letters
from rnnbench.tasks.generated import GeneratedTask
from rnnbench.tasks.most_frequent import share_of_most_frequent
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask

_CUE, _BLANK, _MARKER = -3, -2, -1
"""The last channels."""


@register_task("associative_recall")
class AssociativeRecall(GeneratedTask, ClassificationTask):
    """Tell the value that stood behind a key, `lag` steps after a list of `pairs` pairs. Score: accuracy.

    Evidence: a key, then its value, and so on: 2 x `pairs` steps, one-hot. The keys of a sequence are distinct; each
    value is drawn from all, whatever the others are. Readout: at each of `queries` steps one of these keys with the
    marker, no key twice; the answer, at the same step, is its value. Nothing else tells of it, neither the keys that
    are asked nor earlier answers: without the evidence one value in `values` is right.

    Channels: keys, values, distractors (as many as values), cue, blank, marker. The cue is on throughout the evidence,
    with every filler. Decoys are further lists of pairs, drawn as the evidence is and without the cue; the last may be
    cut off. Distractors are symbols of an alphabet of their own. The query is not replaced by filler in any test,
    because it is what is asked.

    Source: Ba et al. 2016, section 4.1 (26 letters, 10 digits, one query); after Graves et al. 2014, section 4.3;
    several queries as in MQAR (Arora et al. 2023, "Zoology"), where they stand among filler.
    """

    pairs: int = Field(4, ge=1)
    """Number of pairs to remember; their keys are distinct."""
    # Not called `keys`: `dict(task)` would take it for a method.
    key_alphabet: int = Field(8, ge=2, alias="keys")
    """Number of distinct keys to draw from: at least `pairs`."""
    values: int = Field(8, ge=2)
    """Number of distinct values to draw from; a value may stand behind several keys."""
    queries: int = Field(1, ge=1)
    """Number of keys that are asked, one a step: at most `pairs`."""

    version: ClassVar[int] = 1
    solved_score: ClassVar[float | None] = 0.99
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "distractor", "decoy")

    @model_validator(mode="after")
    def _enough_keys(self) -> Self:
        if self.pairs > self.key_alphabet:
            raise ValueError(f"'pairs: {self.pairs}' need as many distinct keys; 'keys' is {self.key_alphabet}")
        if self.queries > self.pairs:
            raise ValueError(
                f"'queries: {self.queries}' need as many pairs, as no key is asked twice; 'pairs' is {self.pairs}"
            )
        return self

    @property
    def layout(self) -> Layout:
        return Layout(evidence=2 * self.pairs, lag=self.lag, readout=self.queries)

    @property
    def ports(self) -> Ports:
        return Ports(features=self.key_alphabet + 2 * self.values + 3)

    @property
    def outputs(self) -> int:
        return self.values

    def display(self) -> Display:
        """Keys are capitals, values numbers from 1 on, distractors small letters."""
        keys = [key if key.isalpha() else f"key {key}" for key in letters(self.key_alphabet)]
        values = [str(value + 1) for value in range(self.values)]
        others = [other.lower() if other.isalpha() else f"other {other}" for other in letters(self.values)]
        return Display("symbols", (*keys, *values, *others), ("cue", "blank", "marker"), classes=values)

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Zeros, the blank of a channel of its own, symbols of a separate alphabet, or lists of pairs."""
        if self.filler == "decoy":
            lists = -(-steps // (2 * self.pairs))
            pairs = self._steps(*self._pairs(rng, n * lists))
            return pairs.reshape(n, lists * 2 * self.pairs, self.ports.features)[:, :steps]
        if self.filler == "distractor":
            first = self.key_alphabet + self.values
            return self._one_hot(rng.integers(first, first + self.values, size=(n, steps)))
        filler = np.zeros((n, steps, self.ports.features), dtype=np.float32)
        filler[..., _BLANK] = self.filler == "blank"
        return filler

    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        keys, values = self._pairs(rng, n)
        asked = _some_of(rng, n, self.pairs, self.queries)
        evidence = self._steps(keys, values)
        evidence[..., _CUE] = 1
        queries = self._one_hot(np.take_along_axis(keys, asked, axis=1))
        queries[..., _MARKER] = 1
        features = np.concatenate([evidence, self.fill(rng, n, self.lag), queries], axis=1)
        return Stream(targets=np.take_along_axis(values, asked, axis=1).astype(np.int32), features=features)

    def _pairs(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, pairs) each: keys, distinct in each row, and their values."""
        return _some_of(rng, n, self.key_alphabet, self.pairs), rng.integers(self.values, size=(n, self.pairs))

    def _steps(self, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
        """A step for each key and for each value, in turn."""
        return self._one_hot(np.stack([keys, self.key_alphabet + values], axis=2).reshape(len(keys), 2 * self.pairs))

    def _one_hot(self, index: np.ndarray) -> np.ndarray:
        return np.eye(self.ports.features, dtype=np.float32)[index]

    def memoryless(self, split: Split = "test") -> float:
        """Chance: 1 / `values`."""
        return 1 / self.values

    def levels(self) -> dict[str, float]:
        """With `unbound values`: the best answer of who knows keys and values, but not which belong together.

        It is the expected share of the most frequent value. With decoys a logistic regression on the mean of all steps,
        too.
        """
        found = super().levels() | {"chance": self.memoryless()}
        found["unbound values"] = share_of_most_frequent(self.pairs, self.values)
        return found | ({"position-blind": position_blind(self)} if self.filler == "decoy" else {})


def _some_of(rng: np.random.Generator, n: int, things: int, count: int) -> np.ndarray:
    """(n, count): distinct numbers in [0, things) in each row, in a random order."""
    return rng.random((n, things)).argsort(axis=1)[:, :count]
