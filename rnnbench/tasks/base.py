"""The task contract: a stream with a lag, and the rule that scores the answers to it.

A task is a frozen pydantic object. Its fields are the settings of the experiment file; its methods provide the data and
the scoring rules. Constructing a task and querying its sizes must be cheap: only the methods that need TensorFlow or
the data touch them, so that `rnnbench plan` answers at once.
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rnnbench.datasets.cache import in_memory
from rnnbench.errors import UserError
from rnnbench.identity import class_code
from rnnbench.identity.signature import Joined
from rnnbench.tasks import data_digest, protocol
from rnnbench.tasks.checking import check_inputs, check_reading
from rnnbench.tasks.display import Display
from rnnbench.tasks.leading import behind
from rnnbench.tasks.metric import MeanOverExamples, Metric
from rnnbench.tasks.skill import Levels
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.writing import Reader

Filler = Literal["zeros", "blank", "distractor", "decoy"]
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
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        # An alias is the key of a setting that is called like a method: `split`.
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    lag: int = Field(ge=0)
    """Dependency length: steps between the last evidence step and the step where the answer is read."""
    filler: Filler = "blank"
    """What fills the lag. `zeros`: input vectors of zeros; `blank`: one constant symbol of unit norm; `distractor`:
    drawn from what the task never asks about; `decoy`: drawn as the evidence is, and told from it by a cue alone."""
    training_lags: Annotated[protocol.TrainingLags, Joined(earlier="fixed")] = "uniform"
    """The lag of each training step. `uniform`: drawn from the shortest to `lag`; `far`: drawn from `lag` / 2 to `lag`;
    `log`: as `uniform`, but uniform in log(1 + lag); `fixed`: `lag`. Validation and test are at `lag`. Only `fixed`,
    then the default, where the distance is not one number or the task has no filler of its own."""
    lead: Annotated[protocol.Lead, Joined(earlier="none")] = "random"
    """Steps of filler before the evidence. `random`: drawn for each training step from 0 to max(20, `lag` / 2), and
    spread evenly over these in validation and test; or `none`, with `training_lags: fixed` alone and its default."""

    version: ClassVar[int] = 1
    """Version of this class's own code, apart from its parents'; raise it when a change of the code alters results.

    Part of the signature of every run of this class and its subclasses. Plug-in classes do not need it."""
    score: ClassVar[Score]
    """The metric by which networks are judged, one of those that `metric` gives."""
    solved_score: ClassVar[float | None] = None
    """Score at which a run counts as solved; None: from the reference, see `solves`."""
    fillers: ClassVar[tuple[Filler, ...]] = ("blank",)
    """The fillers that the task has; the first is the default if `blank` is not among them."""
    reads: ClassVar[Reads] = "end"
    """Where the answer is read, R steps: at the `end`, the last `layout.readout` steps; at `every step`; or at the
    `given` ones, which stand in `Stream.readout`. A task whose settings decide makes it a property."""
    least_lag: ClassVar[int] = 0
    """The shortest lag that the task has. A task whose settings decide makes it a property."""
    has_clock: ClassVar[bool] = True
    """Whether the distance from evidence to readout is one number, `lag`, and so may be timed. False: `fixed` alone."""
    distance_name: ClassVar[str] = "lag"
    """What reports call the axis of `lag`: `T` where it is the length of the sequence."""
    moves_on: ClassVar[bool] = False
    """Whether what is asked goes on behind the filler, so that the answer depends on the lag. A task whose settings
    decide makes it a property."""
    aligned: ClassVar[bool] = True
    """Whether the target of a read step is the answer of that step. False: the steps answer together, as those scored
    by CTC do; no readout can then be fitted to them one by one."""
    least_squares: ClassVar[bool] = True
    """Whether a line fitted by least squares to the targets, one-hot of classes, answers in the terms of the score, as
    it does for accuracy and squared errors. False for likelihoods, which take such answers for logits: then there is no
    level `frozen`, nothing is said to be readable, and `trainable: readout` is refused."""
    allows_lookahead: ClassVar[bool] = False
    """Whether a model may read the whole sequence before it answers; others are `skipped` if they are not `causal`."""
    feeds_back: ClassVar[bool] = False
    """Whether the network reads its own last answer at each readout step but the first: the true one in training
    (teacher forcing), its own when it is tested (free-running). Such a task `reads` the `end`."""
    teacher_forced: ClassVar[tuple[str, ...]] = ("loss",)
    """Of a task that `feeds_back`: its metrics of answers to true last answers; all others are of free-running ones."""

    @field_validator("filler")
    @classmethod
    def _filler_of_the_task(cls, filler: Filler) -> Filler:
        # As a property it is only known when all settings are.
        if isinstance(cls.fillers, tuple):
            protocol.check_filler(filler, cls.fillers)
        return filler

    @model_validator(mode="after")
    def _protocol(self) -> Self:
        drawn_at_will = self.has_clock and self.has_lead
        # The defaults depend on other settings, so they are set here; `given` stays as it is.
        if "filler" not in self.model_fields_set and self.filler not in self.fillers:
            self.__dict__["filler"] = self.fillers[0]
        if "training_lags" not in self.model_fields_set and not drawn_at_will:
            self.__dict__["training_lags"] = "fixed"
        if "lead" not in self.model_fields_set and self.training_lags == "fixed":
            self.__dict__["lead"] = "none"
        protocol.check_filler(self.filler, self.fillers)
        protocol.check_drawn(self.training_lags, self.lead, self.has_clock)
        return self

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

    def display(self) -> Display:
        """How its inputs and answers are shown to people; by default guessed. It changes no result.

        May read the data. An override begins with `replace(super().display(), ...)`.
        """
        return Display()

    def check_data(self) -> None:
        """Raise `UserError` if the task's data are missing. Must not import TensorFlow."""

    def look(self) -> None:
        """Look into the files that the task's shapes depend on, before anything else is asked of it.

        Nothing by default. Raises `UserError` for mistakes in them, in one line.
        """

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

        At the shortest lag there is one way to draw it. Fillers differ even at lag 0: they stand in leads, and between
        evidence and readout where a network is tested at other lags.
        """
        if self.training_lags != "fixed" and self.shortest_lag == self.lag:
            return self.model_copy(update={"training_lags": "fixed"})
        return self

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

    @property
    def has_lead(self) -> bool:
        """Whether filler may stand before the evidence."""
        return self.has_clock and type(self).fill is not Task.fill

    def streams(self, name: Split) -> Iterator[Stream]:
        """What is evaluated: the split, behind its leads."""
        return self.tested(name)

    def tested(self, name: Split, lag: int | None = None, leads: Sequence[int] | None = None) -> Iterator[Stream]:
        """A split at another lag (default: `lag`), its examples dealt out evenly over some leads.

        Default leads: those of this task's own lag, whatever `lag` is; none with `lead: none`.
        """
        if leads is None:
            leads = [0] if self.lead == "none" else protocol.tested_leads(self.lag)
        rng = protocol.filler_rng(1 + (name == "test"))
        for stream in (self if lag is None else self.at_lag(lag)).split(name):
            if self.lead == "none" and not any(leads):
                yield stream
                continue
            for first, lead in enumerate(leads):
                rows = np.arange(first, stream.examples, len(leads))
                if len(rows):
                    yield self._led(stream.rows(rows), lead, rng)

    def fed_back(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """Of a task that `feeds_back`: the inputs of the readout step after one with these raw `answers`, (B, outputs).

        `features`, (B, width), `tokens`, (B,), or both. In `train_batch` and `split` they stand for the true answers.
        """
        raise NotImplementedError(f"{type(self).__name__} does not feed its answers back")

    def sample(self, reader: Reader) -> str | None:
        """Text that the tested network writes, kept beside the run; None, the default: the task has none.

        Some hundred steps at most: it is part of every run.
        """
        return None

    def without_marker(self, stream: Stream) -> Stream | None:
        """The stream with filler in place of the marker, of a task that answers at several steps; None: it has none."""
        return None

    def _led(self, stream: Stream, lead: int, rng: np.random.Generator) -> Stream:
        filler = self.fill(rng, stream.examples, lead) if lead else None
        return behind(stream, filler, lead, every=self.reads == "every step")

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
        """Score of the best answer without any of the evidence: chance, the majority class, the training mean."""

    def reference(self, split: Split = "test") -> float:
        """Score of a simple model with all of the evidence in view; by default the perfect score."""
        return self.score.perfect

    def levels(self) -> dict[str, float]:
        """Scores on the test split to draw next to the networks': `memoryless`, `reference`, and any others by name."""
        return {"memoryless": self.memoryless(), "reference": self.reference()}

    def level_error(self, split: Split = "test") -> float:
        """Standard error of the memoryless level over the distinct sequences of a split; 0 where it is unknown."""
        return 0.0

    def distinct(self, split: Split = "test") -> int:
        """Distinct sequences of a split at `lag`, apart from leads. Standard errors are over these, not over examples.

        By default counted; copy-memory of one symbol through blanks has 8, in however many examples.
        """
        return _distinct(self, split)

    def asks_memory(self, split: Split = "test") -> bool:
        """Whether the reference is better than the memoryless level by 2.33 standard errors of the split."""
        return _levels(self, split).ask_memory

    def skill(self, score: float, split: Split = "test") -> float:
        """The score rescaled so that `memoryless` is 0 and `reference` is 1; NaN where the split asks no memory.

        Linear; of an error whose reference is above 0 ln(memoryless / score) / ln(memoryless / reference). Raises
        `UserError` if a level is not finite.
        """
        return _levels(self, split).skill(score)

    def solves(self, score: float, standard_error: float = math.nan, split: Split = "test") -> bool:
        """Whether a run with this score on a split is solved.

        It reaches `solved_score`; without one an error is at most 1.1 times its reference, any other score has a skill
        of .9. Always, it is better than the memoryless level by 2.33 `standard_error` (of the score, over distinct
        sequences; NaN: none is known). Never where the split asks no memory, never for NaN.
        """
        return _levels(self, split).solved(score, standard_error, self.solved_score)

    def better(self, score: float, other: float) -> bool:
        """Whether `score` is strictly better than `other`; NaN and infinities are worse than any finite score."""
        if not (math.isfinite(score) and math.isfinite(other)):
            return math.isfinite(score)
        return score > other if self.score.higher_is_better else score < other


@in_memory(maxsize=64)
def _levels(task: Task, split: Split) -> Levels:
    levels = {"memoryless": task.memoryless(split), "reference": task.reference(split)}
    for name, level in levels.items():
        if not math.isfinite(level):
            raise UserError(f"the {name} {task.score.name} on the {split} split is {level}, not a finite number")
    return Levels(**levels, error=task.level_error(split), higher_is_better=task.score.higher_is_better)


@in_memory(maxsize=64)
def _distinct(task: Task, split: Split) -> int:
    seen: set[bytes] = set()
    for stream in task.split(split):
        parts = [np.ascontiguousarray(part) for part in (stream.features, stream.tokens) if part is not None]
        for rows in zip(*parts, strict=True):
            seen.add(hashlib.blake2b(b"".join(row.tobytes() for row in rows), digest_size=16).digest())
    return len(seen)
