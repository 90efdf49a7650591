"""Tasks over a finite data set: evidence from the data, then the filler, then the marker."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import NamedTuple

import numpy as np

from rnnbench.datasets import cache, catalogue
from rnnbench.errors import UserError
from rnnbench.tasks.base import Batch, ClassificationTask, Split, Task, Tokens

_STREAMS = {"train": 0, "validation": 1, "test": 2}


class Examples(NamedTuple):
    """One split without its lag: evidence (n, steps, width) float32 or (n, steps) int32, and targets."""

    evidence: np.ndarray
    targets: np.ndarray


def one_class(split: str, size: int, labels: Callable[[int], np.ndarray]) -> Iterator[tuple[str, str]]:
    """The problem of a split of `size` examples that are all of one class: there is nothing to tell apart.

    `labels(n)`: those of a split of n examples, or the first few of them if these are of two classes.
    """
    enough = next(n for n in count(size) if len(np.unique(labels(n))) > 1)
    if size < enough:
        yield f"{split}_examples", f"{size:,} is too few: all of them are of one class; take {enough:,} or more"


def prepared_are_fewer(source: str, split: str, wanted: int, key: str) -> Iterator[tuple[str, str]]:
    """The problem of a prepared data set that is a part of the published one; none where it is not there."""
    there = {} if source == "synthetic" else catalogue.split_sizes(source)
    if wanted > there.get(split, wanted):
        yield key, f"{wanted:,} {split} examples are needed, and the prepared {source} holds {there[split]:,}"


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, n: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(n)


class DatasetTask(Task):
    """Puts the lag behind each example of a data set.

    Real-valued inputs get one more channel, which is 1 at the readout step and 0 elsewhere; a blank step is all zeros.
    Token inputs get two more ids, the last two of the vocabulary: the blank and the marker. The distractors of a
    validation or test example are always the same, those of a training batch are a function of (seed, step).
    """

    source: str
    """Where the data come from: a data set of `rnnbench data`, whose presence is checked before a run, `synthetic` (a
    stand-in of the same shape), or a name of the task's own."""

    @property
    def data_source(self) -> str:
        return self.source

    def check_data(self) -> None:
        # A source of a plug-in's own is its own affair; the built-in tasks take no others than these.
        if self.source in catalogue.DATA_SETS:
            catalogue.check(self.source)

    def split_sizes(self) -> dict[str, int]:
        """By default the training examples of `synthetic`, which are made up and not read; of real data nothing."""
        return {"train": len(self.examples("train").targets)} if self.source == "synthetic" else {}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        train = self.split_sizes().get("train")
        if train is not None and batch_size > train:
            yield "batch_size", f"{batch_size:,} is too many: there are {train:,} training examples"

    def fingerprint(self) -> str | None:
        """By its content that of a data set of the catalogue, "" for `synthetic`; None: the data are absent."""
        if not _reads_as_ours(type(self)):
            return super().fingerprint()
        if self.source == "synthetic":
            return ""
        fingerprint = catalogue.fingerprint(self.source)
        cache.found(self.source, fingerprint)
        return fingerprint

    @abstractmethod
    def examples(self, split: str) -> Examples:
        """The `train`, `validation` or `test` examples without their lag; cached by the task."""

    @abstractmethod
    def distractors(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """`n` x `lag` random steps that carry nothing of the answer, in the form of the evidence."""

    def fed_in_training(self) -> Iterator[np.ndarray]:
        return iter(self.examples("train"))

    def train_batch(self, seed: int, step: int, batch_size: int) -> Batch:
        """Example order: a fresh permutation every epoch; the incomplete last batch of an epoch is left out.

        Raises `UserError` if there are fewer training examples than `batch_size`.
        """
        examples = self.examples("train")
        if batch_size > len(examples.targets):
            raise UserError(f"batch_size {batch_size:,}: there are only {len(examples.targets):,} training examples")
        epoch, position = divmod(step, len(examples.targets) // batch_size)
        order = _order(seed, epoch, len(examples.targets))
        chosen = order[position * batch_size : (position + 1) * batch_size]
        rng = np.random.default_rng([_STREAMS["train"], seed, step])
        return self._with_lag(examples.evidence[chosen], rng), examples.targets[chosen]

    def split(self, name: Split) -> Batch:
        examples = self.examples(name)
        return self._with_lag(examples.evidence, np.random.default_rng([_STREAMS[name]])), examples.targets

    def _with_lag(self, evidence: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, steps = evidence.shape[:2]
        lag = slice(steps, steps + self.lag)
        if isinstance(self.inputs, Tokens):
            blank, marker = self.inputs.vocabulary - 2, self.inputs.vocabulary - 1
            inputs = np.full((n, self.layout.length), blank, dtype=np.int32)
            content = inputs
        else:
            marker = 1
            inputs = np.zeros((n, self.layout.length, self.inputs.width), dtype=np.float32)
            content = inputs[..., :-1]
        content[:, :steps] = evidence
        if self.filler == "distractor" and self.lag:
            content[:, lag] = self.distractors(rng, n)
        if isinstance(self.inputs, Tokens):
            inputs[:, -1] = marker
        else:
            inputs[:, -1, -1] = marker
        return inputs


def _reads_as_ours(task_class: type[DatasetTask]) -> bool:
    """Whether the examples, and how they are put together, are those of a built-in task."""
    methods = ("examples", "distractors", "split", "train_batch")
    if not all(getattr(task_class, name).__module__.startswith("rnnbench.") for name in methods):
        return False
    ours = [parent for parent in task_class.__mro__ if parent.__module__.startswith("rnnbench.")]
    within = {name for parent in ours for name in vars(parent) if name[0] == "_" and name[:2] != "__"} - {"_abc_impl"}
    # What the methods of ours call to read may be another's too.
    return not any(within & vars(parent).keys() for parent in task_class.__mro__ if parent not in ours)


class DatasetClassificationTask(DatasetTask, ClassificationTask):
    """Classification over a finite data set."""

    def memoryless(self) -> float:
        """Share of the most frequent class of the test split."""
        targets = self.examples("test").targets
        return float(np.bincount(targets).max() / len(targets))
