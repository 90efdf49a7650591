"""Adding: the sum of two marked numbers in a sequence, as in Arjovsky, Shah & Bengio 2016 or with an explicit lag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from rnnbench.identity import class_code
from rnnbench.registry import register_task
from rnnbench.tasks.base import Split
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import RegressionTask

_STREAMS = {"train": 0, "validation": 1, "test": 2}


@register_task("adding")
class Adding(RegressionTask):
    """Add the two marked values of a sequence of values drawn from U(0, 1). Score: mean squared error.

    Each step is a value and a mark (0 or 1); one step in each half of the evidence is marked. Always answering 1, the
    mean of the sum, gives a mean squared error of 1/6: the variance of the sum of two such values.

    `form: lagged` puts both marks into the `evidence` steps; `lag` steps of zeros or of further unmarked values follow,
    then a readout step, flagged by a third channel. So the evidence is the same at every lag.

    `form: literature` is exactly the papers' layout: T steps of two channels, the answer read at the last of them. Here
    the evidence extends over all T steps: the first addend is in the first half, the second anywhere in the second.
    Only the distance from the first half to the readout is certain, so `lag` is T/2 - 1, that is, T = 2 (`lag` + 1);
    the gradient figures take the first half as the evidence, and the filler, a distractor, contains the second addend.
    Source: Arjovsky, Shah & Bengio 2016, section 5.2 and its `adding_problem.py`, after Hochreiter & Schmidhuber 1997,
    who used other values and marks.
    """

    form: Literal["lagged", "literature"] = "lagged"
    """`lagged`: both marks before the lag; `literature`: anywhere in the sequence, one in each half."""
    evidence: int = Field(20, ge=2)
    """Number of steps among which the two marks are placed; ignored by `literature`."""
    examples: int = Field(1000, ge=1)
    """Number of examples in the validation split, and in the test split."""

    solved_score: ClassVar[float | None] = 0.01

    @model_validator(mode="after")
    def _literature_is_noise(self) -> Adding:
        if self.form == "literature" and self.filler == "blank":
            raise ValueError("'form: literature' needs 'filler: distractor': its steps hold random values")
        if self.form == "literature" and (self.training_lags, self.lead) != ("fixed", "none"):
            raise ValueError("'form: literature' has no lag of its own: 'training_lags: fixed' and 'lead: none' only")
        return self

    @classmethod
    def literature(cls, length: int, **settings: Any) -> Adding:
        """The papers' problem of `length` steps (T), which must be even."""
        if length % 2:
            raise ValueError(f"{length} steps cannot be split into two equal halves")
        return cls(form="literature", filler="distractor", lag=length // 2 - 1, **settings)

    def canonical(self) -> Self:
        """`literature` ignores `evidence`."""
        if self.form == "literature" and class_code.is_built_in(type(self)):
            return self.model_copy(update={"evidence": type(self).model_fields["evidence"].default})
        return super().canonical()

    @property
    def layout(self) -> Layout:
        evidence = self.evidence if self.form == "lagged" else self.lag + 1
        return Layout(evidence=evidence, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return Ports(features=3 if self.form == "lagged" else 2)

    @property
    def outputs(self) -> int:
        return 1

    def split_sizes(self) -> dict[str, int]:
        return dict.fromkeys(("validation", "test"), self.examples)

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        return self._draw(np.random.default_rng([_STREAMS["train"], seed, step]), batch_size)

    def split(self, name: Split) -> Iterator[Stream]:
        yield self._draw(np.random.default_rng([_STREAMS[name]]), self.examples)

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Zeros, or unmarked values."""
        filler = np.zeros((n, steps, self.ports.features), dtype=np.float32)
        if self.filler == "distractor":
            filler[..., 0] = rng.random((n, steps), dtype=np.float32)
        return filler

    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        steps = self.evidence if self.form == "lagged" else self.layout.length
        first = rng.integers(0, steps // 2, size=n)
        second = rng.integers(steps // 2, steps, size=n)
        inputs = np.zeros((n, self.layout.length, self.ports.features), dtype=np.float32)
        inputs[:, :steps, 0] = rng.random((n, steps), dtype=np.float32)
        example = np.arange(n)
        inputs[example, first, 1] = inputs[example, second, 1] = 1
        targets = inputs[example, first, :1] + inputs[example, second, :1]
        if self.form == "lagged":
            inputs[:, steps : steps + self.lag] = self.fill(rng, n, self.lag)
            inputs[:, -1, 2] = 1
        return Stream(targets=targets[:, None], features=inputs)

    def memoryless(self, split: Split = "test") -> float:
        """Mean squared error of always answering 1: 1/6, the variance of the sum of two values from U(0, 1)."""
        return 1 / 6

    def levels(self) -> dict[str, float]:
        """The memoryless answer: always 1, the mean of the sum."""
        return {"answering_one": self.memoryless()}
