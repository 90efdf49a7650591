"""The task contract: a stream with a lag, and the rule that scores the answers to it.

A task is a frozen pydantic object. Its fields are the settings of the experiment file; its methods provide the data and
the scoring rules. Constructing a task and querying its sizes must be cheap: only the methods that need TensorFlow or
the data touch them, so that `rnnbench plan` answers at once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rnnbench.identity import class_code
from rnnbench.identity.signature import Joined
from rnnbench.tasks import data_digest, protocol
from rnnbench.tasks.checking import check_inputs, check_reading
from rnnbench.tasks.metric import MeanOverExamples, Metric
from rnnbench.tasks.stream import Layout, Ports, Stream

Filler = Literal["blank", "distractor"]
Split = Literal["validation", "test"]
Reads = Literal["end", "every step", "given"]


class Score(NamedTuple):
    """The metric by which networks are judged."""

    name: str
    higher_is_better: bool
    perfect: float
    """The best possible score; its skill is 1."""
    unit: str = ""


class Task(BaseModel, ABC):
    """A stream with a lag, a score, a memoryless level and a criterion for "solved"."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    lag: int = Field(ge=0)
    """Dependency length: steps between the last evidence step and the step where the answer is read."""
    filler: Filler = "blank"
    """What fills the lag: `blank` steps, or `distractor` steps drawn from what the task never asks about."""
    training_lags: Annotated[protocol.TrainingLags, Joined(earlier="fixed")] = "fixed"
    """The lag of each training step. `fixed`: `lag`; `uniform`: drawn from the shortest to `lag`; `far`: drawn from
    `lag` / 2 to `lag`; `log`: as `uniform`, but uniform in log(1 + lag). Validation and test are at `lag`."""
    lead: Annotated[protocol.Lead, Joined(earlier="none")] = "none"
    """Steps of filler before the evidence. `none`; or `random`: drawn for each training step from 0 to max(20, `lag` /
    2), and spread evenly over these in validation and test."""

    version: ClassVar[int] = 1
    """Version of this class's own code, apart from its parents'; raise it when a change of the code alters results.

    Part of the signature of every run of this class and its subclasses. Plug-in classes do not need it."""
    score: ClassVar[Score]
    """The metric by which networks are judged, one of those that `metric` gives."""
    solved_score: ClassVar[float | None] = None
    """Score at which a run counts as solved; None: at least 90% of the same model's skill at lag 0."""
    reads: ClassVar[Reads] = "end"
    """Where the answer is read, R steps: at the `end`, the last `layout.readout` steps; at `every step`; or at the
    `given` ones, which stand in `Stream.readout`. A task whose settings decide makes it a property."""
    least_lag: ClassVar[int] = 0
    """The shortest lag that the task has."""
    allows_lookahead: ClassVar[bool] = False
    """Whether a model may read the whole sequence before it answers; others are `skipped` if they are not `causal`."""

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """Steps of evidence, lag and readout, without a lead. A lead and unread steps are not part of the lag."""

    @property
    @abstractmethod
    def ports(self) -> Ports:
        """What the network reads at each step: width of the features, vocabulary and embedding of tokens."""

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

        At lag 0 nothing is filled, so the filler becomes the default one, unless other settings, the sizes, a lead, or
        a plug-in's data depend on it. At the shortest lag there is one way to draw it.
        """
        task = self
        if self.training_lags != "fixed" and self.shortest_lag == self.lag:
            task = self.model_copy(update={"training_lags": "fixed"})
        return task._without_filler() if self.lead == "none" else task

    def _without_filler(self) -> Self:
        filler = type(self).model_fields["filler"].default
        if self.lag or self.filler == filler:
            return self
        try:
            simpler = type(self)(**(dict(self) | {"filler": filler}))
        except ValidationError:
            return self
        same_sizes = (simpler.layout, simpler.ports, simpler.outputs) == (self.layout, self.ports, self.outputs)
        built_in = class_code.is_built_in(type(self))
        return simpler if same_sizes and (built_in or data_digest.same_data(self, simpler)) else self

    @abstractmethod
    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        """The training batch of one step at `lag`: a pure function of the arguments, of the same shape at every step.

        The same task at another lag gives the batches of that lag; no task draws lags or leads by itself.
        """

    @abstractmethod
    def split(self, name: Split) -> Iterable[Stream]:
        """All examples of the validation or test split at `lag`, in batches of any size; the same for every seed."""

    def fill(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Filler as inputs: (n, steps, width) float32, or (n, steps) int32 tokens. It stands in the lead.

        Of a task with both kinds of inputs: a pair of them. A task without filler of its own has no lead.
        """
        raise NotImplementedError(f"{type(self).__name__} has no filler of its own")

    def at_lag(self, lag: int) -> Self:
        """The same task at another lag. Raises `ValidationError` for a lag that it refuses."""
        return self if lag == self.lag else type(self)(**(dict(self) | {"lag": lag}))

    @property
    def shortest_lag(self) -> int:
        """The shortest lag that training draws."""
        return protocol.shortest(self.training_lags, self.least_lag, self.lag)

    def training_lag(self, seed: int, step: int) -> int:
        """The lag of a training step."""
        return protocol.drawn_lag(self.training_lags, self.least_lag, self.lag, seed, step)

    @property
    def longest_stream(self) -> int:
        """Steps of the longest stream that is trained on or evaluated."""
        return self.layout.length + (0 if self.lead == "none" else protocol.longest_lead(self.lag))

    def training_stream(self, seed: int, step: int, batch_size: int) -> Stream:
        """What is trained on in one step: the batch at the lag of the step, behind its lead."""
        stream = self.at_lag(self.training_lag(seed, step)).train_batch(seed, step, batch_size)
        if self.lead == "none":
            return stream
        return self._led(stream, protocol.drawn_lead(self.lag, seed, step), protocol.filler_rng(0, seed, step))

    def streams(self, name: Split) -> Iterator[Stream]:
        """What is evaluated: the split, behind its leads."""
        yield from self.tested(name)

    def tested(self, name: Split, lag: int | None = None, leads: Sequence[int] | None = None) -> Iterator[Stream]:
        """The split at another lag (default: `lag`) behind leads, evenly (default: those of this task's own lag)."""
        task = self if lag is None else self.at_lag(lag)
        if leads is None:
            leads = [] if self.lead == "none" else protocol.tested_leads(self.lag)
        if not leads:
            yield from task.split(name)
            return
        rng = protocol.filler_rng(1 + (name == "test"))
        for stream in task.split(name):
            for first, lead in enumerate(leads):
                rows = np.arange(first, stream.examples, len(leads))
                if len(rows):
                    yield task._led(stream.rows(rows), lead, rng)

    def without_marker(self, stream: Stream) -> Stream | None:
        """A stream with the marker replaced by filler, of a task that answers at several steps; None: there is none."""
        return None

    @property
    def has_clock(self) -> bool:
        """Whether the distance between evidence and readout is one number."""
        return True

    def _led(self, stream: Stream, lead: int, rng: np.random.Generator) -> Stream:
        """The stream after `lead` steps of filler. Where every step is read, nothing is asked of them."""
        if not lead:
            added: dict[str, Any] = {}
        else:
            filler = self.fill(rng, stream.examples, lead)
            parts = filler if isinstance(filler, tuple) else (filler,)
            names = [name for name in ("features", "tokens") if getattr(stream, name) is not None]
            added = dict(zip(names, parts, strict=True))
        led = {
            name: np.concatenate([filler.astype(stream.parts[name].dtype), stream.parts[name]], axis=1)
            for name, filler in added.items()
        }
        if stream.readout is not None:
            led["readout"] = stream.readout + np.int32(lead)
        if self.reads == "every step":
            shape = stream.targets.shape[:2]
            asked = {
                "targets": stream.targets,
                "weights": np.ones(shape, np.float32) if stream.weights is None else stream.weights,
                "scored": np.ones(shape, bool) if stream.scored is None else stream.scored,
            }
            for part, values in asked.items():
                none = np.zeros((len(values), lead, *values.shape[2:]), values.dtype)
                led[part] = np.concatenate([none, values], axis=1)
        return stream._replace(**led)

    def check_stream(self, stream: Stream, what: str) -> None:
        """Raise `UserError` if a batch of `train_batch` or `split` (`what`) is not as declared."""
        check_inputs(stream, what, self.ports, self.layout.length)
        read = {"end": self.layout.readout, "every step": self.layout.length, "given": None}[self.reads]
        check_reading(stream, what, self.reads, read)
        self.check_targets(stream, what)

    def check_targets(self, stream: Stream, what: str) -> None:
        """Raise `UserError` for targets (`what` in the message) that no network output can match."""

    def training_arrays(self) -> Iterator[Any]:
        """Arrays that represent the training data in `fingerprint`; by default the batches of some steps."""
        return data_digest.training_batches(self)

    @abstractmethod
    def loss(self, stream: Stream, outputs: Any) -> Any:
        """Training loss of each example, (B,), in `keras.ops`; the mean over the batch is minimised.

        `outputs`: (B, R, outputs). The stream's `weights` count, see `supervised.weighted_mean`. Must not depend on
        `lag` or `filler`: one compiled training step serves a task at all lags. Traced without AutoGraph: no Python
        `if` or `while` on tensors.
        """

    @abstractmethod
    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Metrics of each example, (B,) by name, from the network's raw outputs; `score.name` and `loss` among them.

        An undefined score is NaN: worse than any other, and never solved.
        """

    def metric(self) -> Metric:
        """What the metrics of a split are computed with; by default the means of `scores` over its examples."""
        return MeanOverExamples(self.scores)

    @abstractmethod
    def memoryless(self, split: Split = "test") -> float:
        """Score of the best memoryless answer (chance, or a naive forecast) on a split."""

    def reference(self, split: Split = "test") -> float:
        """Score of a simple model with all of the evidence in view; by default the perfect one."""
        return self.score.perfect

    def levels(self) -> dict[str, float]:
        """Scores to draw beside the networks' own, by name; `memoryless` and `reference` among them."""
        return {"memoryless": self.memoryless(), "reference": self.reference()}

    def asks_memory(self, split: Split = "test") -> bool:
        """Whether the reference is better than the memoryless level."""
        level = self.memoryless(split)
        return math.isfinite(level) and self.better(self.reference(split), level)

    def skill(self, score: float, split: Split = "test") -> float:
        """The score rescaled so that `memoryless` is 0 and `reference` is 1; NaN where nothing asks for memory."""
        if not self.asks_memory(split):
            return math.nan
        level = self.memoryless(split)
        return (score - level) / (self.reference(split) - level)

    def better(self, score: float, other: float) -> bool:
        """Whether `score` is strictly better than `other`; NaN and infinities are worse than any finite score."""
        if not (math.isfinite(score) and math.isfinite(other)):
            return math.isfinite(score)
        return score > other if self.score.higher_is_better else score < other

    def solves(self, score: float, standard_error: float, split: Split = "test") -> bool:
        """Whether a run with this score is solved: absolute, and better than memoryless by 2.33 standard errors."""
        if not (math.isfinite(score) and self.asks_memory(split)):
            return False
        margin = 0.0 if math.isnan(standard_error) else 2.33 * standard_error
        beaten = score - margin if self.score.higher_is_better else score + margin
        if not self.better(beaten, self.memoryless(split)):
            return False
        if self.solved_score is None:
            return self.skill(score, split) >= 0.9
        return not self.better(self.solved_score, score)
