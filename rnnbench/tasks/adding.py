"""Adding: the sum of two marked numbers among many, in the form of Arjovsky, Shah & Bengio 2016, and with a lag."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from rnnbench.identity import class_code
from rnnbench.registry import register_task
from rnnbench.tasks.base import Batch, Features, Layout, RegressionTask, Split

_STREAMS = {"train": 0, "validation": 1, "test": 2}


@register_task("adding")
class Adding(RegressionTask):
    """The sum of two marked values among values drawn from U(0, 1). Score: mean squared error.

    Each step is a value and a mark (0 or 1); one step of the first half is marked and one of the second. Answering 1,
    the mean of the sum, gives a mean squared error of 1/6: the variance of the sum of two such values.

    `form: lagged` puts both marks into the `evidence` steps, then come `lag` steps of silence (value 0) or of more
    unmarked values, then a step whose third channel asks. So the evidence is the same at every lag.

    `form: literature` is that of the papers to the bit of layout: T steps of two channels, nothing behind them, answer
    read at the last. There the evidence is spread over T: the first addend stands in the first half, the second
    anywhere in the second, among noise. The one distance that is sure is that of the first half from the readout, so
    `lag` is T/2 - 1, T is 2 (`lag` + 1), the evidence of the gradient figures is the first half, and the filler is a
    distractor that holds the second addend too. Source: Arjovsky, Shah & Bengio 2016, section 5.2 and its
    `adding_problem.py`, after Hochreiter & Schmidhuber 1997, whose values and marks were others.
    """

    form: Literal["lagged", "literature"] = "lagged"
    """`lagged`: all evidence before the lag; `literature`: spread over the whole sequence."""
    evidence: int = Field(20, ge=2)
    """Steps that hold the two marks; not used by `literature`."""
    examples: int = Field(1000, ge=1)
    """Size of the validation and of the test split."""

    solved_score: ClassVar[float | None] = 0.01

    @model_validator(mode="after")
    def _literature_is_noise(self) -> Adding:
        if self.form == "literature" and self.filler == "blank":
            raise ValueError("'form: literature' fills its steps with random values: write 'filler: distractor' too")
        return self

    @classmethod
    def literature(cls, length: int, **settings: int) -> Adding:
        """The literature's problem of `length` steps (its T, even)."""
        if length % 2:
            raise ValueError(f"{length} steps have no two equal halves")
        return cls(form="literature", filler="distractor", lag=length // 2 - 1, **settings)

    def canonical(self) -> Self:
        """`literature` has no `evidence` of its own."""
        if self.form == "literature" and class_code.is_built_in(type(self)):
            return self.model_copy(update={"evidence": type(self).model_fields["evidence"].default})
        return super().canonical()

    @property
    def layout(self) -> Layout:
        evidence = self.evidence if self.form == "lagged" else self.lag + 1
        return Layout(evidence=evidence, lag=self.lag, readout=1)

    @property
    def inputs(self) -> Features:
        return Features(width=3 if self.form == "lagged" else 2)

    @property
    def outputs(self) -> int:
        return 1

    def split_sizes(self) -> dict[str, int]:
        return dict.fromkeys(("validation", "test"), self.examples)

    def train_batch(self, seed: int, step: int, batch_size: int) -> Batch:
        return self._draw(np.random.default_rng([_STREAMS["train"], seed, step]), batch_size)

    def split(self, name: Split) -> Batch:
        return self._draw(np.random.default_rng([_STREAMS[name]]), self.examples)

    def _draw(self, rng: np.random.Generator, n: int) -> Batch:
        steps = self.evidence if self.form == "lagged" else self.layout.length
        first = rng.integers(0, steps // 2, size=n)
        second = rng.integers(steps // 2, steps, size=n)
        inputs = np.zeros((n, self.layout.length, self.inputs.width), dtype=np.float32)
        inputs[:, :steps, 0] = rng.random((n, steps), dtype=np.float32)
        example = np.arange(n)
        inputs[example, first, 1] = inputs[example, second, 1] = 1
        targets = inputs[example, first, :1] + inputs[example, second, :1]
        if self.form == "lagged":
            if self.filler == "distractor":
                inputs[:, steps : steps + self.lag, 0] = rng.random((n, self.lag), dtype=np.float32)
            inputs[:, -1, 2] = 1
        return inputs, targets

    def memoryless(self) -> float:
        """Mean squared error of answering 1: 1/6, the variance of the sum of two values from U(0, 1)."""
        return 1 / 6

    def levels(self) -> dict[str, float]:
        """The memoryless answer 1, half of the largest sum."""
        return {"answering_one": self.memoryless()}
