"""Table sequences: one answer a sequence, or one a step, for sequences of the user's own, a lag later."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from pydantic import Field

from rnnbench.datasets.cache import in_memory
from rnnbench.datasets.own.labels import Answers, Per
from rnnbench.datasets.own.missing import Missing
from rnnbench.datasets.own.splits import SplitSetting
from rnnbench.registry import register_task
from rnnbench.tasks import protocol, supervised
from rnnbench.tasks.base import Filler, Score, Split
from rnnbench.tasks.dataset import Examples
from rnnbench.tasks.display import Display
from rnnbench.tasks.examples import stored
from rnnbench.tasks.own_file import Facts, OwnFileTask
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.steps_in_view import best_constant, in_view
from rnnbench.tasks.stream import Layout, Ports, Stream

if TYPE_CHECKING:
    from rnnbench.datasets.own.recorded_sequences import Asked, Data

_LEAST_ERROR = 0.01
"""Of the reference: no network reaches the rounding errors of a ridge whose answers are sums of what it sees."""


@register_task("table_sequences")
class TableSequences(OwnFileTask):
    """Answer for sequences of numbers in a file of your own, one answer a sequence or one a step, after a lag.

    The file: CSV, JSON lines or Parquet with a row a step and an `id`; or an `.npz` with `x` (sequences, steps,
    features), labels `y`, and perhaps `lengths` (the first so many steps are data) and `split`. Features are
    standardised with the training rows; one that is constant there is 0. Sequences of unequal length are padded in
    front with zeros; a channel of its own is 1 where a step is one. With a label a step the answers are read after the
    lag, a readout step for each step of the longest sequence, in their order; those of padding are not asked. Numbers
    to answer with are standardised too: score mean squared error; classes: accuracy. A decoy is a random row of the
    training sequences, told apart by the cue. Reference: logistic regression or ridge on the whole sequence, or on a
    step and its neighbours; the memoryless level where that is better.
    """

    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "decoy")

    id: str = "id"
    """The column that says to which sequence a row belongs. Of an `.npz` no column is used."""
    step: str | None = None
    """The column (numbers or times) by which the rows of a sequence are sorted. Default: the order of the file."""
    features: tuple[str, ...] | None = Field(None, strict=False)
    """The columns that the network reads. Default: all columns of numbers but those with another use."""
    label: str = "label"
    """The column of the labels."""
    label_per: Per | None = None
    """`sequence` or `step`. Default: by sequence if no label changes within one."""
    answers: Answers | None = None
    """`classes` or `numbers`. Default: text is classes, and so are whole numbers of at most 20 different values."""
    length: int | None = Field(None, ge=1)
    """Most steps of a sequence, from its end. Default: all."""
    split_by: SplitSetting = Field((0.7, 0.1, 0.2), alias="split")
    """Shares of training, validation and test sequences, drawn at random (always the same), of each class alike; or a
    column that holds train, validation and test. An array `split` of an `.npz` comes first. Without validation
    sequences an eighth of the training sequences are drawn for it."""
    missing: Missing = "refuse"
    """Missing features. `refuse`: they are an error; `forward`: the last value before in the sequence, or else the
    training mean; `mask`: the training mean, and an indicator channel for each feature."""

    @property
    def score(self) -> Score:  # type: ignore[override]  # the file decides
        return supervised.ACCURACY if self._classes else supervised.MSE

    @property
    def reference_name(self) -> str:
        """What reports call the reference."""
        return "logistic regression" if self._classes else "ridge"

    @property
    def layout(self) -> Layout:
        steps = self.facts["steps"]
        return Layout(evidence=steps, lag=self.lag, readout=steps if self.facts["per"] == "step" else 1)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(self.facts["width"])

    @property
    def outputs(self) -> int:
        return int(self.facts["outputs"])

    @property
    def _classes(self) -> bool:
        return self.facts["classes"] is not None

    def display(self) -> Display:
        """A curve for each feature; classes are the labels."""
        names = list(self.facts["features"])
        indicators = [f"{name} missing" for name in names] if self.missing == "mask" else []
        there = ["there"] if self.facts["width"] > len(names) + len(indicators) else []
        classes = tuple(self.facts["classes"] or ())
        return replace(super().display(), kind="series", channels=[*names, *indicators, *there], classes=classes)

    @property
    def asked(self) -> Asked:
        """What is to be read."""
        from rnnbench.datasets.own.recorded_sequences import Asked

        names = {name: getattr(self, name) for name in Asked._fields if name != "split"}
        return Asked(split=self.split_by, **names)

    def found(self) -> Facts:
        from rnnbench.datasets.own import recorded_sequences

        read = recorded_sequences.read(self.asked)
        held, lengths = read.sequences, read.sequences.lengths
        unequal = bool(lengths.min() < lengths.max())
        return {
            "steps": int(lengths.max()),
            "shortest": int(lengths.min()),
            "features": list(held.names),
            "width": len(held.names) * (2 if self.missing == "mask" else 1) + unequal,
            "per": "step" if held.per_step else "sequence",
            "classes": list(read.labels.classes) if read.labels else None,
            "outputs": len(read.labels.classes) if read.labels else cast(np.ndarray, read.values).shape[1],
            "sizes": {split: len(members) for split, members in read.members.items()},
            "told": list(held.told),
        }

    def examples(self, split: str) -> Examples:
        data = _data(self._bare)
        return Examples(cast(np.ndarray, data.evidence[split]), data.targets[split])

    def step_weights(self, split: str) -> np.ndarray | None:
        weights = _data(self._bare).weights
        return None if weights is None else weights[split]

    def distinct(self, split: Split = "test") -> int:
        return self.split_sizes()[split]

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        data = _data(self._bare)
        return data.rows[data.train[rng.integers(len(data.train), size=(n, steps))]]

    def without_marker(self, stream: Stream) -> Stream | None:
        """Filler in place of the markers, of a label a step."""
        read = self.layout.readout
        if read == 1:
            return None
        features = cast(np.ndarray, stream.features).copy()
        features[:, -read:] = self.fill(protocol.filler_rng(3), stream.examples, read)
        return stream._replace(features=features)

    def loss(self, stream: Stream, outputs: Any) -> Any:
        """Cross entropy in nats, or the mean squared error."""
        return (supervised.loss_of_classes if self._classes else supervised.loss_of_values)(stream, outputs)

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """`accuracy`, or `mse` and `mae`; and `loss`."""
        return (supervised.scores_of_classes if self._classes else supervised.scores_of_values)(stream, outputs)

    def memoryless(self, split: Split = "test") -> float:
        """Score of the most frequent class of the split, or of the training mean; with a label a step of that of the
        place in the readout, in training, if it is better."""
        return best_constant(self, split)

    def level_error(self, split: Split = "test") -> float:
        """That of the share of the most frequent class, or of the error of the training mean."""
        n = self.distinct(split)
        if self._classes:
            share = self.memoryless(split)
            return math.sqrt(share * (1 - share) / n)
        data = _data(self._bare)
        squares = np.square(data.targets[split], dtype=np.float64).mean(axis=-1)
        weights = None if data.weights is None else data.weights[split]
        return float(np.std(supervised.mean_of_steps(squares, weights)) / math.sqrt(n))

    def reference(self, split: Split = "test") -> float:
        """Score of logistic regression or ridge, the error at least .01; the memoryless level if that is better."""
        memoryless, fitted = self.memoryless(split), _fitted(self._bare)[split]
        if not self._classes:
            fitted = max(fitted, _LEAST_ERROR)
        return memoryless if self.better(memoryless, fitted) else fitted

    def levels(self) -> dict[str, float]:
        """The majority class or the training mean, and the reference, by name; with decoys also a regression on the
        mean of all steps, filler included."""
        found = super().levels()
        found |= {"majority class" if self._classes else "training mean": found["memoryless"]}
        found |= {self.reference_name: found["reference"]}
        return found | ({"position-blind": position_blind(self)} if self.filler == "decoy" else {})

    def _for_each_read(self, targets: np.ndarray) -> np.ndarray:
        return targets


@in_memory(maxsize=2)
def _data(task: TableSequences) -> Data:
    from rnnbench.datasets.own import recorded_sequences

    task.check_data()
    return recorded_sequences.data(task.asked)


@in_memory(maxsize=16)
def _fitted(task: TableSequences) -> dict[str, float]:
    return stored(task, "reference", {"lag", "filler"}, lambda: in_view(task))
