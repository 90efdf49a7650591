"""Tasks over a finite data set: evidence from the data, then the filler, then a marker at the readout step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import NamedTuple

import numpy as np

from rnnbench.datasets import cache, catalogue
from rnnbench.errors import UserError
from rnnbench.tasks.base import Split, Task
from rnnbench.tasks.stream import Stream
from rnnbench.tasks.supervised import ClassificationTask

_STREAMS = {"train": 0, "validation": 1, "test": 2}
_CHUNK = 10_000
"""Examples that stand in memory with their lag at a time, of validation and test."""


class Examples(NamedTuple):
    """One split before the lag is added."""

    evidence: np.ndarray
    """(n, steps, width) float32, or (n, steps) int32 tokens."""
    targets: np.ndarray
    """One answer: (n,) classes or (n, outputs) values. Or one for each of R readout steps: (n, R), (n, R, outputs)."""


def one_class_problem(split: str, size: int, labels: Callable[[int], np.ndarray]) -> Iterator[tuple[str, str]]:
    """The problem, if the first `size` examples of a split all belong to one class.

    `labels(n)`: the labels of a split of n examples, or its first few if they already contain two classes.
    """
    enough = next(n for n in count(size) if len(np.unique(labels(n))) > 1)
    if size < enough:
        yield f"{split}_examples", f"{size:,} is too few: they are all of one class; use {enough:,} or more"


def too_few_prepared(source: str, split: str, wanted: int, key: str) -> Iterator[tuple[str, str]]:
    """The problem, if the prepared data set holds fewer examples than `wanted`; none if it is not prepared."""
    sizes = {} if source == "synthetic" else catalogue.split_sizes(source)
    if wanted > sizes.get(split, wanted):
        yield key, f"{wanted:,} {split} examples are needed, but the prepared {source} has {sizes[split]:,}"


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, n: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(n)


class DatasetTask(Task):
    """Appends the lag and a readout step to each example of a data set.

    Real-valued inputs get one extra channel: 1 at the readout step, 0 elsewhere; a blank step is all zeros. Token
    inputs get two extra ids, the last two of the vocabulary: the blank and the marker. The distractors of a validation
    or test example are fixed; those of a training batch depend on (seed, step) alone.
    """

    source: str
    """Where the data come from: a data set of `rnnbench data`, whose presence is checked before a run, `synthetic` (a
    stand-in of the same shape), or a name of the task's own."""

    @property
    def data_source(self) -> str:
        return self.source

    def check_data(self) -> None:
        # A plug-in checks a source of its own itself; the built-in tasks have no others.
        if self.source in catalogue.DATA_SETS:
            catalogue.check(self.source)

    def split_sizes(self) -> dict[str, int]:
        """By default only `train` of `synthetic` data, which are generated; nothing for real data."""
        return {"train": len(self.examples("train").targets)} if self.source == "synthetic" else {}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        train = self.split_sizes().get("train")
        if train is not None and batch_size > train:
            yield "batch_size", f"{batch_size:,} is too many: there are {train:,} training examples"

    def fingerprint(self) -> str | None:
        """Digest of the contents of the data set; "" for `synthetic`; None if the data are absent."""
        if not _has_built_in_data(type(self)):
            return super().fingerprint()
        if self.source == "synthetic":
            return ""
        fingerprint = catalogue.fingerprint(self.source)
        cache.forget_if_changed(self.source, fingerprint)
        return fingerprint

    @abstractmethod
    def examples(self, split: str) -> Examples:
        """The `train`, `validation` or `test` examples before the lag is added; the task caches them."""

    @abstractmethod
    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """(n, steps, ...) random steps shaped like those of the evidence, independent of the answer."""

    def training_arrays(self) -> Iterator[np.ndarray]:
        return iter(self.examples("train"))

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        """Examples in a new random order each epoch; an epoch's incomplete last batch is dropped.

        Raises `UserError` if there are fewer training examples than `batch_size`.
        """
        examples = self.examples("train")
        if batch_size > len(examples.targets):
            raise UserError(f"batch_size {batch_size:,}: there are only {len(examples.targets):,} training examples")
        epoch, position = divmod(step, len(examples.targets) // batch_size)
        order = _order(seed, epoch, len(examples.targets))
        chosen = order[position * batch_size : (position + 1) * batch_size]
        rng = np.random.default_rng([_STREAMS["train"], seed, step])
        return self._with_lag(examples.evidence[chosen], examples.targets[chosen], rng)

    def split(self, name: Split) -> Iterator[Stream]:
        examples, rng = self.examples(name), np.random.default_rng([_STREAMS[name]])
        # An empty split is one empty stream, which is then refused.
        for first in range(0, max(1, len(examples.targets)), _CHUNK):
            rows = slice(first, first + _CHUNK)
            yield self._with_lag(examples.evidence[rows], examples.targets[rows], rng)

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Blanks or distractors, with 0 in the channel of the marker."""
        if self.ports.vocabulary:
            filler = np.full((n, steps), self.ports.vocabulary - 2, dtype=np.int32)
            content = filler
        else:
            filler = np.zeros((n, steps, self.ports.features), dtype=np.float32)
            content = filler[..., :-1]
        if self.filler == "distractor" and steps:
            content[:] = self.distractors(rng, n, steps)
        return filler

    def _with_lag(self, evidence: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> Stream:
        n, steps = evidence.shape[:2]
        filler = self.fill(rng, n, self.lag)
        inputs = np.zeros((n, self.layout.length, *filler.shape[2:]), dtype=filler.dtype)
        content = inputs if self.ports.vocabulary else inputs[..., :-1]
        content[:, :steps] = evidence
        inputs[:, steps : steps + self.lag] = filler
        readout = inputs[:, steps + self.lag :]
        # The marker: the last token, or 1 in the last channel.
        readout[... if self.ports.vocabulary else (..., -1)] = max(1, self.ports.vocabulary - 1)
        kind = "tokens" if self.ports.vocabulary else "features"
        return Stream(**{"targets": self._for_each_read(targets), kind: inputs})

    def _for_each_read(self, targets: np.ndarray) -> np.ndarray:
        """The targets with an axis for the steps that are read, if they have none because there is only one."""
        axes = 2 if isinstance(self, ClassificationTask) else 3
        return targets[:, None] if targets.ndim < axes and self.layout.readout == 1 else targets


def _has_built_in_data(task_class: type[DatasetTask]) -> bool:
    """Whether a class takes its examples and batches from built-in code alone."""
    methods = ("examples", "distractors", "fill", "split", "train_batch")
    if not all(getattr(task_class, name).__module__.startswith("rnnbench.") for name in methods):
        return False
    built_in = [parent for parent in task_class.__mro__ if parent.__module__.startswith("rnnbench.")]
    private = {name for parent in built_in for name in vars(parent) if name[0] == "_" and name[:2] != "__"} - {
        "_abc_impl"
    }
    # A plug-in may also override a private helper that the built-in methods call.
    return not any(private & vars(parent).keys() for parent in task_class.__mro__ if parent not in built_in)


class DatasetClassificationTask(DatasetTask, ClassificationTask):
    """Classification over a finite data set."""

    def memoryless(self, split: Split = "test") -> float:
        """Accuracy of always answering the most frequent class of the split."""
        targets = self.examples(split).targets
        return float(np.bincount(targets.ravel()).max() / targets.size)
