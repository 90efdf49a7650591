"""Tasks over a finite data set: evidence from the data, then the filler, then a marker at the readout step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import ClassVar

import numpy as np

from rnnbench.datasets import cache, catalogue
from rnnbench.errors import UserError
from rnnbench.tasks.base import Split, Task
from rnnbench.tasks.data_digest import UnfitDataError
from rnnbench.tasks.display import Display
from rnnbench.tasks.examples import Examples, evidence_in_view
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.stream import Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask

__all__ = ["DatasetClassificationTask", "DatasetTask", "Examples", "one_class_problem", "too_few_prepared"]

_STREAMS = {"train": 0, "validation": 1, "test": 2}
_CHUNK = 10_000
"""Examples that stand in memory with their lag at a time, of validation and test."""


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

    Features get channels of their own behind those of the content: the cue, 1 in the evidence (where the class has
    decoys, which nothing else tells apart), the blank, 1 in a blank step, and the marker, 1 at the readout. Tokens get
    two extra ids, the last two of the vocabulary, for the blank and the marker; the cue is then a feature beside the
    token. `feature_ports` and `token_ports` count them. Fillers of a validation or test example are fixed; those of a
    training batch depend on (seed, step) alone.
    """

    version: ClassVar[int] = 2

    source: str
    """Where the data come from: a data set of `rnnbench data`, whose presence is checked before a run, `synthetic` (a
    stand-in of the same shape), or a name of the task's own."""

    @property
    def data_source(self) -> str:
        return self.source

    @property
    def data_key(self) -> str | None:
        """The fingerprint under which what is fitted to the data is kept on disk; None: it is not kept."""
        built_in = type(self).__module__.startswith("rnnbench.")
        return catalogue.fingerprint(self.source) if built_in and self.source in catalogue.DATA_SETS else None

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

    def step_weights(self, split: str) -> np.ndarray | None:
        """(n, R) float32: share of each readout step of the examples in loss and scores, 0 for padding.

        None: all alike.
        """
        return None

    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """(n, steps, ...) random steps, shaped like the evidence's, of what the task never asks about."""
        raise NotImplementedError(f"{type(self).__name__} has no distractors")

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """(n, steps, ...) random steps drawn as those of the evidence are, independent of the answer."""
        raise NotImplementedError(f"{type(self).__name__} has no decoys")

    def feature_ports(self, width: int) -> Ports:
        """For content of `width` features: the cue, if there are decoys, the blank and the marker are extra."""
        return Ports(features=width + self._cues + 2)

    def token_ports(self, vocabulary: int, embedding: int) -> Ports:
        """For content of `vocabulary` tokens: blank and marker are extra, and the cue, if there are decoys."""
        return Ports(features=self._cues, vocabulary=vocabulary + 2, embedding=embedding)

    def display(self) -> Display:
        """The last channels, or the last tokens, are the blank and the marker, before them the cue."""
        added, cue = ("blank", "marker"), ("cue",) * self._cues
        return Display(flags=cue, specials=added) if self.ports.vocabulary else Display(flags=(*cue, *added))

    @property
    def _cues(self) -> int:
        return int("decoy" in self.fillers)

    def distinct(self, split: Split = "test") -> int:
        """The examples of a split."""
        return len(self.examples(split).targets)

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
        stream = self._with_lag(examples.evidence[chosen], examples.targets[chosen], rng)
        return self._weighted(stream, "train", chosen)

    def split(self, name: Split) -> Iterator[Stream]:
        examples, rng = self.examples(name), np.random.default_rng([_STREAMS[name]])
        # An empty split is one empty stream, which is then refused.
        for first in range(0, max(1, len(examples.targets)), _CHUNK):
            rows = slice(first, first + _CHUNK)
            stream = self._with_lag(examples.evidence[rows], examples.targets[rows], rng)
            yield self._weighted(stream, name, rows)

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Filler steps, with 0 in the channels of the cue and the marker; of tokens with a cue, a pair."""
        ports, drawn = self.ports, {"distractor": self.distractors, "decoy": self.decoys}.get(self.filler)
        content = drawn(rng, n, steps) if drawn and steps else None
        features = np.zeros((n, steps, ports.features), dtype=np.float32)
        if ports.vocabulary:
            tokens = np.full((n, steps), ports.vocabulary - 2, dtype=np.int32)
            if content is not None:
                tokens[:] = content
            return (features, tokens) if ports.features else tokens
        if content is not None:
            features[..., : -2 - self._cues] = content
        elif self.filler == "blank":
            features[..., -2] = 1
        return features

    def _with_lag(self, evidence: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> Stream:
        shown, asked = self._shown(evidence), self._asked(len(evidence))
        filler = self.fill(rng, len(evidence), self.lag)
        filled = filler if isinstance(filler, tuple) else (filler,)
        kinds = [kind for kind, has in (("features", self.ports.features), ("tokens", self.ports.vocabulary)) if has]
        inputs = {
            kind: np.concatenate([shown[kind], between.astype(shown[kind].dtype), asked[kind]], axis=1)
            for kind, between in zip(kinds, filled, strict=True)
        }
        return Stream(targets=self._for_each_read(targets), **inputs)

    def _weighted(self, stream: Stream, split: str, rows: np.ndarray | slice) -> Stream:
        weights = self.step_weights(split)
        return stream if weights is None else stream._replace(weights=weights[rows])

    def _shown(self, evidence: np.ndarray) -> dict[str, np.ndarray]:
        """The inputs of the evidence steps, each marked by the cue, if there is one."""
        ports = self.ports
        features = np.zeros((*evidence.shape[:2], ports.features), dtype=np.float32)
        if ports.vocabulary:
            features[..., : self._cues] = 1
            return {"features": features, "tokens": evidence.astype(np.int32)}
        width = ports.features - 2 - self._cues
        if evidence.shape[-1] != width:
            extra = "cue, blank and marker" if self._cues else "blank and marker"
            raise UnfitDataError(
                f"{type(self).__name__}: the evidence has {evidence.shape[-1]} features and `ports` {ports.features}, "
                f"but there must be {2 + self._cues} more, for {extra}; use `self.feature_ports({evidence.shape[-1]})`"
            )
        features[..., :width] = evidence
        features[..., width : width + self._cues] = 1
        return {"features": features}

    def _asked(self, n: int) -> dict[str, np.ndarray]:
        """The inputs of the readout steps: the marker, the last token or 1 in the last channel, and nothing else."""
        ports, steps = self.ports, self.layout.readout
        features = np.zeros((n, steps, ports.features), dtype=np.float32)
        if ports.vocabulary:
            return {"features": features, "tokens": np.full((n, steps), ports.vocabulary - 1, dtype=np.int32)}
        features[..., -1] = 1
        return {"features": features}

    def _for_each_read(self, targets: np.ndarray) -> np.ndarray:
        """The targets with an axis for the steps that are read, if they have none because there is only one."""
        axes = 2 if isinstance(self, ClassificationTask) else 3
        return targets[:, None] if targets.ndim < axes and self.layout.readout == 1 else targets


def _has_built_in_data(task_class: type[DatasetTask]) -> bool:
    """Whether a class takes its examples and batches from built-in code alone."""
    methods = ("examples", "step_weights", "distractors", "decoys", "fill", "split", "train_batch")
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

    reference_name: ClassVar[str] = "logistic regression"
    """What reports call the reference."""

    def memoryless(self, split: Split = "test") -> float:
        """Accuracy of always answering the most frequent class of the split."""
        targets = self.examples(split).targets
        return float(np.bincount(targets.ravel()).max() / targets.size)

    def reference(self, split: Split = "test") -> float:
        """Accuracy of a logistic regression on the whole evidence: its features, flattened, or its bag of words.

        Fitted to at most 20,000 training examples; stored beside the prepared data. A task of several answers
        overrides it.
        """
        return evidence_in_view(self)[split]

    def levels(self) -> dict[str, float]:
        """The majority class and the reference, by name; with decoys also the bag of all steps, filler included."""
        found = super().levels()
        found |= {"majority class": found["memoryless"], self.reference_name: found["reference"]}
        return found | ({"position-blind": position_blind(self)} if self.filler == "decoy" else {})
