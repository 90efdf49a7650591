"""Metrics of a split, batch by batch, so that it need not fit in memory."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from rnnbench.tasks.stream import Stream, joined


class Estimate(NamedTuple):
    """A metric of a split and its standard error over the examples; nan where there is none."""

    value: float
    standard_error: float = math.nan


class Metric(ABC):
    """What a split's metrics are computed with: batch after batch goes in, then the result comes out."""

    @abstractmethod
    def update(self, stream: Stream, outputs: np.ndarray) -> None:
        """Take in a batch and the network's raw answers to it, (B, R, outputs)."""

    @abstractmethod
    def result(self) -> dict[str, Estimate]:
        """The metrics of all examples, by name; they include the task's score and `loss`."""


class MeanOverExamples(Metric):
    """Metrics that each example has: a split's are their means.

    `of_each(stream, outputs)` gives (B,) values by name. NaN, of any example, makes a mean NaN.
    """

    def __init__(self, of_each: Callable[[Stream, np.ndarray], Mapping[str, np.ndarray]]) -> None:
        self._of_each = of_each
        self._values: dict[str, list[np.ndarray]] = {}

    def update(self, stream: Stream, outputs: np.ndarray) -> None:
        self.add(self._of_each(stream, outputs))

    def add(self, of_examples: Mapping[str, np.ndarray]) -> None:
        """Take in values that examples have, (B,) by name."""
        for name, values in of_examples.items():
            self._values.setdefault(name, []).append(np.asarray(values, np.float64))

    def result(self) -> dict[str, Estimate]:
        return {name: _mean(np.concatenate(values)) for name, values in self._values.items()}


class OfWholeSplit(Metric):
    """Metrics that only a whole split has, such as a correlation; all targets and answers are kept until the end.

    `of_all(stream, outputs)` gives a number by name.
    """

    def __init__(self, of_all: Callable[[Stream, np.ndarray], Mapping[str, float]]) -> None:
        self._of_all = of_all
        self._streams: list[Stream] = []
        self._outputs: list[np.ndarray] = []

    def update(self, stream: Stream, outputs: np.ndarray) -> None:
        # Inputs take the most memory, and are not needed.
        self._streams.append(stream._replace(features=None, tokens=None))
        self._outputs.append(outputs)

    def result(self) -> dict[str, Estimate]:
        found = self._of_all(joined(self._streams), np.concatenate(self._outputs))
        return {name: Estimate(float(value)) for name, value in found.items()}


def _mean(values: np.ndarray) -> Estimate:
    with np.errstate(invalid="ignore", over="ignore"):
        error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        return Estimate(float(values.mean()), float(error))
