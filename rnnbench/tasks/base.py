"""The task contract: a supervised sequence problem with a lag.

A task is a frozen pydantic object. Its fields are the settings of the experiment file; its methods provide the data and
the scoring rules. Constructing a task and querying its sizes must be cheap: only the methods that need TensorFlow or
the data touch them, so that `rnnbench plan` answers at once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rnnbench.errors import UserError
from rnnbench.identity import class_code
from rnnbench.tasks import data_digest

Filler = Literal["blank", "distractor"]
Split = Literal["validation", "test"]
Batch = tuple[np.ndarray, np.ndarray]
"""Inputs and targets. Inputs: (batch, time, width) float32 for `Features`, (batch, time) int32 for `Tokens`."""


class Layout(NamedTuple):
    """The three parts of every sequence, in steps."""

    evidence: int
    lag: int
    """Steps between the last evidence step and the first readout step; they carry no information on the answer."""
    readout: int

    @property
    def length(self) -> int:
        return self.evidence + self.lag + self.readout

    @property
    def first_readout(self) -> int:
        """Index of the first readout step; gradient distances count back from it."""
        return self.evidence + self.lag


class Features(NamedTuple):
    """Inputs are real vectors, (batch, time, width) float32."""

    width: int


class Tokens(NamedTuple):
    """Inputs are integers in [0, `vocabulary`), (batch, time) int32, embedded in `width` dimensions."""

    vocabulary: int
    width: int


class Task(BaseModel, ABC):
    """A supervised sequence problem with a lag, a score, a baseline and a criterion for "solved"."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    lag: int = Field(ge=0)
    """Dependency length: steps between the last evidence step and the step where the answer is read."""
    filler: Filler = "blank"
    """What fills the lag: `blank` steps, or `distractor` steps drawn from what the task never asks about."""

    version: ClassVar[int] = 1
    """Version of this class's own code, apart from its parents'; raise it when a change of the code alters results.

    Part of the signature of every run of this class and its subclasses. Plug-in classes do not need it."""
    score_name: ClassVar[str] = "accuracy"
    perfect: ClassVar[float] = 1.0
    """The best possible score; its skill is 1."""
    higher_is_better: ClassVar[bool | None] = None
    """Whether a higher score is better; None: if `perfect` > 0 (a `perfect` of 0 suggests an error measure)."""
    solved_score: ClassVar[float | None] = None
    """Score at which a run counts as solved; None: at least 90% of the same model's skill at lag 0."""
    answers_every_step: ClassVar[bool] = False
    """Whether the network answers at every step, (batch, time, outputs), or only at the last, (batch, outputs)."""
    allows_lookahead: ClassVar[bool] = False
    """Whether a model may read the whole sequence before it answers; others are `skipped` if they are not `causal`."""

    @property
    @abstractmethod
    def layout(self) -> Layout: ...

    @property
    @abstractmethod
    def inputs(self) -> Features | Tokens: ...

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Width of the network's output: number of classes (logits) or of regression values."""

    @property
    def data_source(self) -> str:
        """Where the data come from, as reports name it: a data set, `synthetic`, or `generated` (by definition)."""
        return "generated"

    def check_data(self) -> None:
        """Raise `UserError` if the task's data are missing. Must not import TensorFlow."""

    def split_sizes(self) -> dict[str, int]:
        """Number of examples in `train`, `validation` and `test`, or an upper bound, where known without the data."""
        return {}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        """Pairs of a setting and a one-line reason why a run with it is bound to fail.

        `rnnbench plan` and `rnnbench run` stop at the first. As cheap as `layout`: no TensorFlow, no download, no claim
        about data that are missing. A subclass may add its own after `yield from super().problems(batch_size)`.
        """
        yield from ()

    def fingerprint(self) -> str | None:
        """Digest of whatever the data depend on besides settings and code; part of the signature. None: no data here.

        "" for a built-in task that generates its data. For a plug-in it is by default a digest of the arrays fed to the
        network at lag 1: both splits and some training batches. Override it where that is slow, with a digest of the
        contents of the files, never of their names or times.
        """
        return "" if class_code.is_built_in(type(self)) else data_digest.fingerprint(self)

    def canonical(self) -> Self:
        """The simplest settings of the same computation: tasks with equal canonical settings are run once.

        At lag 0 nothing is filled, so the filler becomes the default one, unless other settings, the sizes, or a
        plug-in's data depend on it.
        """
        filler = type(self).model_fields["filler"].default
        if self.lag or self.filler == filler:
            return self
        try:
            simpler = type(self)(**(dict(self) | {"filler": filler}))
        except ValidationError:
            return self
        same_sizes = (simpler.layout, simpler.inputs, simpler.outputs) == (self.layout, self.inputs, self.outputs)
        built_in = class_code.is_built_in(type(self))
        return simpler if same_sizes and (built_in or data_digest.same_data(self, simpler)) else self

    @abstractmethod
    def train_batch(self, seed: int, step: int, batch_size: int) -> Batch:
        """The training batch of one step: a pure function of the arguments, with the same shape at every step."""

    @abstractmethod
    def split(self, name: Split) -> Batch:
        """All examples of the validation or test split, the same for every run seed."""

    def check_batch(self, batch: Batch, what: str) -> None:
        """Raise `UserError` if `batch` (`what` in the message) is empty, not finite, or not as the task declares.

        Targets of the wrong shape would otherwise be broadcast silently against the network's outputs.
        """
        inputs, targets = map(np.asarray, batch)
        if not len(targets):
            raise UserError(f"{what} is empty")
        width = () if isinstance(self.inputs, Tokens) else (self.inputs.width,)
        _check_shape(inputs, what, "inputs", (len(targets), self.layout.length, *width))
        self.check_targets(targets, what)
        if isinstance(self.inputs, Tokens):
            _check_range(inputs, what, "token", self.inputs.vocabulary)
        _check_finite(inputs, what, "inputs")
        _check_finite(targets, what, "targets")

    def check_targets(self, targets: np.ndarray, what: str) -> None:
        """Raise `UserError` for targets (`what` in the message) that no network output can match."""

    def training_arrays(self) -> Iterator[Any]:
        """Arrays that represent the training data in `fingerprint`; by default the batches of some steps."""
        return data_digest.training_batches(self)

    @abstractmethod
    def loss(self, targets: Any, outputs: Any) -> Any:
        """Training loss of each example, shape (batch,), in `keras.ops`; the mean over the batch is minimised.

        Must not depend on `lag` or `filler`: one compiled training step serves a task at all lags. Traced without
        AutoGraph: no Python `if` or `while` on tensors.
        """

    def readout_loss(self, targets: Any, outputs: Any) -> Any:
        """Loss of each example at the readout steps only, shape (batch,); the gradient probe differentiates it."""
        return self.loss(targets, outputs)

    @abstractmethod
    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Metrics of a whole split from the network's raw outputs; must include `score_name` and `loss`.

        An undefined score is NaN: worse than any other, and never solved.
        """

    @abstractmethod
    def memoryless(self) -> float:
        """Test score of the best memoryless answer (chance, or a naive forecast)."""

    def levels(self) -> dict[str, float]:
        """Reference scores, by name, to draw next to the networks' own."""
        return {"chance": self.memoryless()}

    def skill(self, score: float) -> float:
        """The score rescaled so that `memoryless` is 0 and `perfect` is 1.

        Raises `UserError` if `memoryless` is not finite or no worse than `perfect`.
        """
        level = self.memoryless()
        if not math.isfinite(level):
            raise UserError(f"the memoryless {self.score_name} on the test split is {level}, not a finite number")
        undefined = (
            f"skill is undefined on this test split: its memoryless {self.score_name} is {level:.6g}, "
            f"the perfect one {self.perfect:g}"
        )
        if math.isclose(level, self.perfect, rel_tol=1e-12):
            raise UserError(f"{undefined}; use more, or more varied, test examples")
        if not self.better(self.perfect, level):
            order = "higher" if self.score_rises else "lower"
            raise UserError(f"{undefined}, which is worse, as {order} is better: see `perfect` and `higher_is_better`")
        return (score - level) / (self.perfect - level)

    @property
    def score_rises(self) -> bool:
        """Whether a higher score is better: `higher_is_better`, or its default."""
        return self.perfect > 0 if self.higher_is_better is None else self.higher_is_better

    def better(self, score: float, other: float) -> bool:
        """Whether `score` is strictly better than `other`; NaN and infinities are worse than any finite score."""
        if not (math.isfinite(score) and math.isfinite(other)):
            return math.isfinite(score)
        return score > other if self.score_rises else score < other

    def solves(self, score: float) -> bool | None:
        """Whether a run with this score is solved; None if that depends on the result at lag 0."""
        if self.solved_score is None:
            return None
        return math.isfinite(score) and not self.better(self.solved_score, score)


class ClassificationTask(Task, ABC):
    """Predict one of `outputs` classes at the last step. Targets: (batch,) int32. Score: accuracy."""

    def check_targets(self, targets: np.ndarray, what: str) -> None:
        _check_range(targets, what, "target", self.outputs)

    def loss(self, targets: Any, outputs: Any) -> Any:
        """Cross entropy, nats."""
        import keras

        return keras.losses.sparse_categorical_crossentropy(targets, outputs, from_logits=True)

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        return {"accuracy": accuracy(targets, outputs), "loss": float(np.mean(cross_entropy(targets, outputs)))}

    def memoryless(self) -> float:
        """Accuracy of always answering the most frequent class of the test split."""
        _, targets = self.split("test")
        return float(np.bincount(targets).max() / len(targets))


class RegressionTask(Task, ABC):
    """Predict `outputs` real values at the last step. Targets: (batch, outputs) float32. Score: mean squared error."""

    score_name: ClassVar[str] = "mse"
    perfect: ClassVar[float] = 0.0

    def check_targets(self, targets: np.ndarray, what: str) -> None:
        if not self.answers_every_step:
            _check_shape(targets, what, "targets", (len(targets), self.outputs))

    def loss(self, targets: Any, outputs: Any) -> Any:
        """Mean squared error over the outputs."""
        import keras

        return keras.losses.mean_squared_error(targets, outputs)

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        error = outputs.astype(np.float64) - targets
        mse = float(np.mean(error**2))
        return {"mse": mse, "mae": float(np.mean(np.abs(error))), "loss": mse}


def _check_shape(values: np.ndarray, what: str, kind: str, wanted: tuple[int, ...]) -> None:
    if values.shape != wanted:
        raise UserError(f"{what} has {kind} of shape {values.shape}, expected {wanted}")


def _check_finite(values: np.ndarray, what: str, kind: str) -> None:
    if np.issubdtype(values.dtype, np.floating) and not (finite := np.isfinite(values)).all():
        first = tuple(np.argwhere(~finite)[0].tolist())
        raise UserError(
            f"{what} holds {np.count_nonzero(~finite):,} {kind} that are not finite, "
            f"the first of them {values[first]} at index {list(first)} (from 0)"
        )


def _check_range(values: np.ndarray, what: str, kind: str, end: int) -> None:
    wrong = values[(values < 0) | (values >= end)]
    if wrong.size:
        raise UserError(f"{what} has {kind} {wrong.flat[0]}, outside 0 to {end - 1}")


def accuracy(targets: np.ndarray, logits: np.ndarray) -> float:
    """Share of the targets whose logit is the largest; NaN if any logit is not finite."""
    return float(np.mean(logits.argmax(axis=-1) == targets)) if np.isfinite(logits).all() else math.nan


def cross_entropy(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """-log softmax(logits)[target] in nats, shaped like `targets`, computed in float64."""
    # Classes first: NumPy sums slowly over a short last axis.
    by_class = np.moveaxis(logits, -1, 0).astype(np.float64, order="C")
    peak = by_class.max(axis=0)
    log_sum = peak + np.log(np.exp(by_class - peak).sum(axis=0))
    return log_sum - np.take_along_axis(by_class, targets[None].astype(np.int64), axis=0)[0]
