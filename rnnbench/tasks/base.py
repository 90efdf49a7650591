"""What a task is: a supervised sequence problem with a lag.

A task is a frozen pydantic object. Its fields are what the experiment file may say about it, its methods are the data
and the rules. It must be cheap to make and to ask for its sizes: TensorFlow and the data are touched only by the
methods that need them, so that `rnnbench plan` answers at once.
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
from rnnbench.tasks import fed

Filler = Literal["blank", "distractor"]
Split = Literal["validation", "test"]
Batch = tuple[np.ndarray, np.ndarray]
"""Inputs and targets. Inputs: (batch, time, width) float32 for `Features`, (batch, time) int32 for `Tokens`."""


class Layout(NamedTuple):
    """The three parts of every sequence, in steps."""

    evidence: int
    lag: int
    """Steps between the last evidence step and the first readout step; what stands there says nothing of the answer."""
    readout: int

    @property
    def length(self) -> int:
        return self.evidence + self.lag + self.readout

    @property
    def first_readout(self) -> int:
        """Index of the step from which gradient distances are counted back."""
        return self.evidence + self.lag


class Features(NamedTuple):
    """Inputs are real vectors, (batch, time, width) float32."""

    width: int


class Tokens(NamedTuple):
    """Inputs are integers below `vocabulary`, (batch, time) int32, embedded into `width` dimensions."""

    vocabulary: int
    width: int


class Task(BaseModel, ABC):
    """A supervised sequence problem with a lag, a score, a level to beat and a rule for "solved"."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    lag: int = Field(ge=0)
    """Dependency length: steps between the last evidence step and the step where the answer is read."""
    filler: Filler = "blank"
    """What fills the lag: `blank` steps, or `distractor` steps drawn from what the task never asks about."""

    version: ClassVar[int] = 1
    """Of this class's own code, whatever its parents have: raised whenever a change of it changes what a run gives.

    Part of the signatures of its runs and of those of classes below it; classes from outside need none."""
    score_name: ClassVar[str] = "accuracy"
    perfect: ClassVar[float] = 1.0
    """The best score there is, whose skill is 1."""
    higher_is_better: ClassVar[bool | None] = None
    """Whether a higher score is better; None: it is where `perfect` is above 0, so that one of 0 tells an error."""
    solved_score: ClassVar[float | None] = None
    """Score from which a run counts as solved; None: at least 90% of the model's own skill at lag 0."""
    answers_every_step: ClassVar[bool] = False
    """Whether the network answers at every step, (batch, time, outputs), or once at the last, (batch, outputs)."""

    @property
    @abstractmethod
    def layout(self) -> Layout: ...

    @property
    @abstractmethod
    def inputs(self) -> Features | Tokens: ...

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Width of the network's answer: classes (logits) or regression values."""

    @property
    def data_source(self) -> str:
        """Where the data come from, as the reports name it: a data set, `synthetic`, or `generated` by definition."""
        return "generated"

    def check_data(self) -> None:
        """Raise `UserError` if the task's data are not there. Must not import TensorFlow."""

    def split_sizes(self) -> dict[str, int]:
        """Examples of `train`, `validation` and `test`, or a number they do not exceed, where that is known at once."""
        return {}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        """What is bound to fail in a run with these settings: the setting at fault, and in one line why.

        `rnnbench plan` and `rnnbench run` refuse the first. As cheap as `layout`: no TensorFlow, no download; of data
        that are not there nothing is claimed. A task of one's own may say more, after `super().problems(batch_size)`.
        """
        yield from ()

    def fingerprint(self) -> str | None:
        """Of all that the data depend on beside settings and code: part of the signature. None: the data are absent.

        A built-in task that generates its data has "". For a task from outside it is a digest of what networks are fed
        at lag 1: both splits and some training batches. A task of whose files that is slow to find out overrides this,
        with a digest of their contents, never of their names or times.
        """
        return "" if class_code.is_ours(type(self)) else fed.fingerprint(self)

    def canonical(self) -> Self:
        """The plainest settings that ask for the same computation: settings that share them are run once.

        Where there is no lag, the filler is nothing, and counts as the default one; unless settings or sizes depend on
        it, or what a task from outside feeds.
        """
        filler = type(self).model_fields["filler"].default
        if self.lag or self.filler == filler:
            return self
        try:
            plain = type(self)(**(dict(self) | {"filler": filler}))
        except ValidationError:
            return self
        alike = (plain.layout, plain.inputs, plain.outputs) == (self.layout, self.inputs, self.outputs)
        ours = class_code.is_ours(type(self))
        return plain if alike and (ours or fed.alike(self, plain)) else self

    @abstractmethod
    def train_batch(self, seed: int, step: int, batch_size: int) -> Batch:
        """The training batch of one step: a pure function of its arguments, of the same size at every step."""

    @abstractmethod
    def split(self, name: Split) -> Batch:
        """All examples of the validation or test split, the same for every seed of a run."""

    def check_batch(self, batch: Batch, what: str) -> None:
        """Raise `UserError` if `batch`, called `what`, is empty, of another form than the task says, or not finite.

        Targets of another form than the network's answers would be compared with them all the same, each with all.
        """
        inputs, targets = map(np.asarray, batch)
        if not len(targets):
            raise UserError(f"{what} holds no example")
        width = () if isinstance(self.inputs, Tokens) else (self.inputs.width,)
        _check_shape(inputs, what, "inputs", (len(targets), self.layout.length, *width))
        self.check_targets(targets, what)
        if isinstance(self.inputs, Tokens):
            _check_range(inputs, what, "token", self.inputs.vocabulary)
        _check_finite(inputs, what, "inputs")
        _check_finite(targets, what, "targets")

    def check_targets(self, targets: np.ndarray, what: str) -> None:
        """Raise `UserError` for targets, called `what`, that no answer of the network could meet."""

    def fed_in_training(self) -> Iterator[Any]:
        """Arrays that stand for the training data in `fingerprint`: the batches of some steps."""
        return fed.training_batches(self)

    @abstractmethod
    def loss(self, targets: Any, outputs: Any) -> Any:
        """Training loss of each example, shape (batch,), in `keras.ops`; the mean over the batch is minimised.

        It may not look at `lag` or `filler`: one compiled training step serves a task at all its lags. It is traced
        without AutoGraph: no Python `if` or `while` on tensors.
        """

    def readout_loss(self, targets: Any, outputs: Any) -> Any:
        """Loss of each example at the readout steps only, shape (batch,): what the gradient probe differentiates."""
        return self.loss(targets, outputs)

    @abstractmethod
    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Metrics of a whole split from the network's raw outputs; must hold `score_name` and `loss`.

        A score that is undefined is NaN: it is worse than every other, and solves nothing.
        """

    @abstractmethod
    def memoryless(self) -> float:
        """Score of the best answer that needs no memory (chance, or the naive forecast) on the test split."""

    def levels(self) -> dict[str, float]:
        """Scores to draw beside the networks' own, by name."""
        return {"chance": self.memoryless()}

    def skill(self, score: float) -> float:
        """The score rescaled so that `memoryless` is 0 and `perfect` is 1.

        Raises `UserError` where `memoryless` leaves nothing to gain: it is not finite, or no worse than `perfect`.
        """
        level = self.memoryless()
        if not math.isfinite(level):
            raise UserError(f"the {self.score_name} that needs no memory is {level} on the test split, not a number")
        said = (
            f"skill cannot be told on this test split: without any memory its {self.score_name} is {level:.6g}, "
            f"and a perfect one is {self.perfect:g}"
        )
        if math.isclose(level, self.perfect, rel_tol=1e-12):
            raise UserError(f"{said}; take more, or more varied, test examples")
        if not self.better(self.perfect, level):
            order = "higher" if self.score_rises else "lower"
            raise UserError(f"{said}, which is worse where {order} is better: see `perfect` and `higher_is_better`")
        return (score - level) / (self.perfect - level)

    @property
    def score_rises(self) -> bool:
        """Whether a higher score is better, as the task declares it."""
        return self.perfect > 0 if self.higher_is_better is None else self.higher_is_better

    def better(self, score: float, other: float) -> bool:
        """Whether `score` is strictly better than `other`; NaN and infinities are worse than every number."""
        if not (math.isfinite(score) and math.isfinite(other)):
            return math.isfinite(score)
        return score > other if self.score_rises else score < other

    def solves(self, score: float) -> bool | None:
        """Whether a run with this score is solved; None where that is relative to lag 0 and one run cannot tell."""
        if self.solved_score is None:
            return None
        return math.isfinite(score) and not self.better(self.solved_score, score)


class ClassificationTask(Task, ABC):
    """One of `outputs` classes, asked at the last step. Targets: (batch,) int32. Score: accuracy."""

    def check_targets(self, targets: np.ndarray, what: str) -> None:
        _check_range(targets, what, "target", self.outputs)

    def loss(self, targets: Any, outputs: Any) -> Any:
        """Cross entropy, nats."""
        import keras

        return keras.losses.sparse_categorical_crossentropy(targets, outputs, from_logits=True)

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        return {"accuracy": accuracy(targets, outputs), "loss": float(np.mean(cross_entropy(targets, outputs)))}

    def memoryless(self) -> float:
        """Share of the most frequent class of the test split."""
        _, targets = self.split("test")
        return float(np.bincount(targets).max() / len(targets))


class RegressionTask(Task, ABC):
    """`outputs` real values, asked at the last step. Targets: (batch, outputs) float32. Score: mean squared error."""

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
        raise UserError(f"{what} has {kind} of shape {values.shape}, and must have {wanted}")


def _check_finite(values: np.ndarray, what: str, kind: str) -> None:
    if np.issubdtype(values.dtype, np.floating) and not (finite := np.isfinite(values)).all():
        first = tuple(np.argwhere(~finite)[0].tolist())
        raise UserError(
            f"{what} holds {np.count_nonzero(~finite):,} {kind} that are no finite numbers, "
            f"the first of them {values[first]} at {list(first)} (counted from 0)"
        )


def _check_range(values: np.ndarray, what: str, kind: str, end: int) -> None:
    wrong = values[(values < 0) | (values >= end)]
    if wrong.size:
        raise UserError(f"{what} holds the {kind} {wrong.flat[0]}, and must hold 0 to {end - 1}")


def accuracy(targets: np.ndarray, logits: np.ndarray) -> float:
    """Share of the targets that have the largest logit; NaN where a logit is no finite number."""
    return float(np.mean(logits.argmax(axis=-1) == targets)) if np.isfinite(logits).all() else math.nan


def cross_entropy(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """-log softmax(logits)[target] in nats, of the shape of `targets`, computed in float64."""
    # Classes first: NumPy is slow at sums over a short last axis.
    by_class = np.moveaxis(logits, -1, 0).astype(np.float64, order="C")
    peak = by_class.max(axis=0)
    log_sum = peak + np.log(np.exp(by_class - peak).sum(axis=0))
    return log_sum - np.take_along_axis(by_class, targets[None].astype(np.int64), axis=0)[0]
