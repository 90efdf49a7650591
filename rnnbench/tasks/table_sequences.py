"""Table sequences: one answer a sequence, or one a step, for sequences of the user's own, a lag later."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, cast

import numpy as np
from pydantic import Field

from rnnbench.datasets.cache import in_memory
from rnnbench.datasets.own import splits
from rnnbench.datasets.own.labels import Labels, check_drawn, check_splits, classes_of, with_validation
from rnnbench.datasets.own.missing import Missing
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.splits import SplitSetting
from rnnbench.datasets.scaling import Scale
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
    import pandas as pd

    from rnnbench.datasets.own.sequences import Padded, Sequences

Per = Literal["sequence", "step"]
Answers = Literal["classes", "numbers"]

_FEW = 20
"""Whole numbers of at most so many values are taken for classes."""
_LEAST_ERROR = 0.01
"""Of the reference: no network reaches the rounding errors of a ridge whose answers are sums of what it sees."""


class Read(NamedTuple):
    """What a file holds, checked."""

    sequences: Sequences
    labels: Labels | None
    """None: the answers are numbers."""
    values: np.ndarray | None
    """(n or rows, k) float64: the answers that are numbers."""
    members: dict[str, np.ndarray]
    """The sequences of each split."""


class Data(NamedTuple):
    """What the examples are made of."""

    rows: np.ndarray
    """(rows, width) float32, scaled."""
    train: np.ndarray
    """The training rows."""
    evidence: dict[str, Padded]
    targets: dict[str, np.ndarray]
    weights: dict[str, np.ndarray] | None


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

    def found(self) -> Facts:
        read = self._read()
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

    def _read(self) -> Read:
        import pandas as pd

        from rnnbench.datasets.own import scaled

        held = self._sequences()
        if self.missing == "refuse":
            scaled.check_missing(held)
        what, where = ("step", held.where_row) if held.per_step else ("sequence", held.where)
        labels, values = None, None
        if self.answers == "classes" or (self.answers is None and _hold_classes(held.labels)):
            if not isinstance(held.labels, pd.Series):
                raise mistake(self.path, f"y holds {held.labels.shape[1]} numbers each: `answers: numbers`")
            labels = classes_of(held.labels, held.label, self.path, where, what)
        else:
            values = _values(held, where)
        members = self._members(held, None if held.per_step else labels)
        if self.missing != "refuse":
            scaled.check_known(held, held.rows_of(members["train"]))
        chosen = {split: held.rows_of(some) if held.per_step else some for split, some in members.items()}
        if labels is not None:
            check_splits(labels, chosen, self.path, where, what)
        elif Scale.of(cast(np.ndarray, values)[chosen["train"]]).constant.any():
            raise mistake(self.path, f"{held.label} is constant in training: there is nothing to answer")
        return Read(held, labels, values, members)

    def _sequences(self) -> Sequences:
        from rnnbench.datasets.own import npz, sequences

        if npz.is_npz(self.path):
            if (column := splits.column_of(self.split_by)) is not None:
                raise mistake(self.path, f"`split: {column}` names a column; of an .npz the array `split` is read")
            return npz.read(self.path, self.label_per, self.length)
        columns = sequences.Columns(self.id, self.step, self.features, self.label, splits.column_of(self.split_by))
        return sequences.from_table(self.path, columns, self.label_per, self.length)

    def _members(self, held: Sequences, labels: Labels | None) -> dict[str, np.ndarray]:
        if labels is not None and held.split is None:
            check_drawn(labels, self.path, held.where, "sequence")
        codes = None if labels is None else labels.codes
        named = None if held.split is None else with_validation(held.split, self.path, codes)
        return splits.at_random(self.split_by, len(held.lengths), self.path, held.where, codes, named)

    def made(self) -> Data:
        """Reads the file anew."""
        from rnnbench.datasets.own import scaled
        from rnnbench.datasets.own.sequences import Padded

        read = self._read()
        held, members = read.sequences, read.members
        train = held.rows_of(members["train"])
        rows = scaled.scaled(held, train, self.missing)
        unequal = bool(held.lengths.min() < held.lengths.max())
        if unequal:
            rows = np.concatenate([rows, np.ones((len(rows), 1), np.float32)], axis=1)
        steps = int(held.lengths.max())
        evidence = {
            split: Padded(rows, held.starts[some], held.lengths[some], steps) for split, some in members.items()
        }
        if read.labels is not None:
            answers = read.labels.codes[:, None]
        else:
            values = cast(np.ndarray, read.values)
            known = values[train if held.per_step else members["train"]]
            answers = Scale.of(known)(values).astype(np.float32)
        if not held.per_step:
            targets = {split: answers[some].reshape(len(some), 1, *_last(read)) for split, some in members.items()}
            return Data(rows, train, evidence, targets, None)
        of_rows = {
            split: Padded(answers, held.starts[some], held.lengths[some], steps) for split, some in members.items()
        }
        targets = {split: padded[:].reshape(len(padded), steps, *_last(read)) for split, padded in of_rows.items()}
        weights = {
            split: (np.arange(steps) >= steps - held.lengths[some][:, None]).astype(np.float32)
            for split, some in members.items()
        }
        return Data(rows, train, evidence, targets, weights if unequal else None)


def _last(read: Read) -> tuple[int, ...]:
    """The last axis of the targets: none of classes."""
    return () if read.values is None else (read.values.shape[1],)


def _hold_classes(labels: pd.Series | np.ndarray) -> bool:
    """Whether they are text, or whole numbers of few different values."""
    import pandas as pd

    if not isinstance(labels, pd.Series):
        return False
    if not pd.api.types.is_numeric_dtype(labels.dtype):
        return True
    values = labels.dropna().unique()
    return len(values) <= _FEW and bool((values % 1 == 0).all())


def _values(held: Sequences, where: Any) -> np.ndarray:
    """The labels as (n, k) numbers, none of them missing."""
    import pandas as pd

    if isinstance(held.labels, pd.Series) and not pd.api.types.is_numeric_dtype(held.labels.dtype):
        wrong = pd.to_numeric(held.labels, errors="coerce").isna()
        row = int(np.argmax(wrong))
        raise mistake(held.path, f"{where(row)}, {held.label}: '{held.labels.iloc[row]}' is not a number")
    values = np.asarray(held.labels, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    absent = np.isnan(values).any(axis=1)
    if absent.any():
        raise mistake(
            held.path,
            f"{where(int(np.argmax(absent)))}, {held.label}: the label is missing ({int(absent.sum()):,} in all)",
        )
    return values


@in_memory(maxsize=2)
def _data(task: TableSequences) -> Data:
    task.check_data()
    return task.made()


@in_memory(maxsize=16)
def _fitted(task: TableSequences) -> dict[str, float]:
    return stored(task, "reference", {"lag", "filler"}, lambda: in_view(task))
