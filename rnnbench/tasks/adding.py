"""Adding: the sum of two marked numbers, before a lag or as in Arjovsky, Shah & Bengio 2016 and Bai et al. 2018."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from rnnbench.identity import class_code
from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.display import Display
from rnnbench.tasks.generated import GeneratedTask
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import RegressionTask

_VALUE, _MARK, _BLANK, _ASKED = range(4)
_RENAMED = {"lagged": "'lag'", "literature": "'urnn', and its 'lag' is the length T of the sequence"}


@register_task("adding")
class Adding(GeneratedTask, RegressionTask):
    """Add the two marked values of a sequence of values drawn from U(0, 1). Score: mean squared error.

    Each step has a value and a mark (0 or 1). Always answering 1, the mean of the sum, gives a mean squared error of
    1/6, the variance of the sum of two such values.

    `form: lag` puts both marks into the `evidence` steps, one in each half; `lag` steps of filler follow, then a
    readout step. Channels: value, mark, blank, readout. Decoys are further values, which the mark (0) tells apart.

    `form: urnn` and `form: bai` are the papers' layouts: T = `lag` steps of two channels, the answer read at the last.
    The marks are one in each half (`urnn`: Arjovsky, Shah & Bengio 2016, section 5.2 and `adding_problem.py`, after
    Hochreiter & Schmidhuber 1997) or at two places anywhere (`bai`: Bai, Kolter & Koltun 2018 and TCN's `utils.py`).
    The distance is not one number: reports call the axis T, training is at `fixed` T, and the unmarked values are
    decoys. Gradient figures take the first half as the evidence.
    """

    form: Literal["lag", "urnn", "bai"] = "lag"
    """Where the marks are. `lag`: before the lag; `urnn`: one in each half of T steps; `bai`: anywhere in T steps."""
    evidence: int = Field(20, ge=2)
    """Number of steps among which the two marks of `form: lag` are placed."""

    version: ClassVar[int] = 2
    solved_score: ClassVar[float | None] = 0.01
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "decoy")

    @field_validator("form", mode="before")
    @classmethod
    def _form_of_today(cls, form: object) -> object:
        if isinstance(form, str) and form in _RENAMED:
            raise ValueError(f"'{form}' is called {_RENAMED[form]}")
        return form

    @model_validator(mode="after")
    def _whole_sequence(self) -> Self:
        if self.form == "lag":
            return self
        if "filler" not in self.model_fields_set:
            self.__dict__["filler"] = "decoy"
        if self.filler != "decoy":
            raise ValueError(f"'form: {self.form}' has decoys between its marks: 'filler: decoy', or leave it out")
        if self.lag < self.least_lag:
            raise ValueError(f"'form: {self.form}' needs two steps at least, as 'lag' is its length T")
        return self

    @property
    def has_clock(self) -> bool:  # type: ignore[override]  # a setting decides
        return self.form == "lag"

    @property
    def distance_name(self) -> str:  # type: ignore[override]  # a setting decides
        return "lag" if self.form == "lag" else "T"

    @property
    def least_lag(self) -> int:  # type: ignore[override]  # a setting decides
        return 0 if self.form == "lag" else 2

    def canonical(self) -> Self:
        """`urnn` and `bai` ignore `evidence`."""
        if self.form != "lag" and class_code.is_built_in(type(self)):
            return self.model_copy(update={"evidence": type(self).model_fields["evidence"].default})
        return super().canonical()

    @property
    def layout(self) -> Layout:
        if self.form == "lag":
            return Layout(evidence=self.evidence, lag=self.lag, readout=1)
        half = self.lag // 2
        return Layout(evidence=half, lag=self.lag - half - 1, readout=1)

    @property
    def ports(self) -> Ports:
        return Ports(features=4 if self.form == "lag" else 2)

    @property
    def outputs(self) -> int:
        return 1

    def display(self) -> Display:
        flags = ("mark", "blank", "marker") if self.form == "lag" else ("mark",)
        return Display("numbers", ("value",), flags)

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Zeros, the blank of a channel of its own, or unmarked values."""
        filler = np.zeros((n, steps, self.ports.features), dtype=np.float32)
        if self.filler == "decoy":
            filler[..., _VALUE] = rng.random((n, steps), dtype=np.float32)
        elif self.filler == "blank":
            filler[..., _BLANK] = 1
        return filler

    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        steps = self.evidence if self.form == "lag" else self.lag
        first, second = self._marks(rng, n, steps)
        inputs = np.zeros((n, self.layout.length, self.ports.features), dtype=np.float32)
        inputs[:, :steps, _VALUE] = rng.random((n, steps), dtype=np.float32)
        example = np.arange(n)
        inputs[example, first, _MARK] = inputs[example, second, _MARK] = 1
        targets = inputs[example, first, :1] + inputs[example, second, :1]
        if self.form == "lag":
            inputs[:, steps : steps + self.lag] = self.fill(rng, n, self.lag)
            inputs[:, -1, _ASKED] = 1
        return Stream(targets=targets[:, None], features=inputs)

    def _marks(self, rng: np.random.Generator, n: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """The places of both marks, (n,) each: one in each half, or any two."""
        if self.form != "bai":
            return rng.integers(0, steps // 2, size=n), rng.integers(steps // 2, steps, size=n)
        first, other = rng.integers(0, steps, size=n), rng.integers(0, steps - 1, size=n)
        return first, other + (other >= first)

    def memoryless(self, split: Split = "test") -> float:
        """Mean squared error of always answering 1: 1/6, the variance of the sum of two values from U(0, 1)."""
        return 1 / 6

    def levels(self) -> dict[str, float]:
        """The memoryless answer (always 1) by name; with decoys a ridge regression on the mean of all steps, too."""
        found = super().levels() | {"answering 1": self.memoryless()}
        return found | ({"position-blind": position_blind(self)} if self.filler == "decoy" else {})
