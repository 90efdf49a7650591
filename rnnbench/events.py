"""The events of a run: small, picklable facts, in the order in which they happen.

A run is a function from a RunSpec to a stream of events. An executor emits `Dispatched`; then the run emits `Started`
first and exactly one of `Finished`, `Diverged` and `Failed` last, unless it is stopped or its process dies. It is then
dispatched again, and repeats the events before its checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Dispatched:
    """The run was handed to a worker, which is loading the data."""

    signature: str
    worker: int
    resumed: bool = False
    """Whether it resumes from a checkpoint, so that earlier events remain valid; otherwise it starts over."""


@dataclass(frozen=True)
class Started:
    """The network is built and the data are loaded."""

    signature: str
    parameters: int
    """Trainable parameters of the whole network."""
    levels: dict[str, float] = field(default_factory=dict)
    """Test score of each memoryless or naive answer, by name (`chance`, `persistence`, ...)."""
    data: dict[str, str] = field(default_factory=dict)
    """The data set: `name`, `source`, `digest` of the test split."""
    environment: dict[str, str] = field(default_factory=dict)
    """Package versions and device of the worker."""


@dataclass(frozen=True)
class Measured:
    """Metrics after `step` training steps (0: before training).

    Of a curve over something else the step is its abscissa: the tested lag of `lag_curve/...`, the lead of
    `start_shift/...`, the distance from the readout of `readable_initial/...` and `readable_final/...`.
    """

    signature: str
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Profiled:
    """The gradient profile of the probe batch after `step` training steps: see `training.probes.profile`."""

    signature: str
    step: int
    phase: str
    """`initial`, `during` or `final`."""
    columns: dict[str, list]
    """Columns `distance`, `state`, `median`, `low` and `high`, all of the same length."""


@dataclass(frozen=True)
class Scored:
    """The score of each test example, in the order in which the split is tested; only where examples have scores."""

    signature: str
    scores: list[float]


@dataclass(frozen=True)
class Answered:
    """What the network answers to some test examples, and how its answers spread: see `showing.answers`."""

    signature: str
    answers: dict[str, Any]
    """JSON values. Of a task with `show_examples: false` they tell of no single example."""


@dataclass(frozen=True)
class Saved:
    """The network with the tested weights, in stock layers; only if the spec requests it."""

    signature: str
    file: bytes
    """Contents of a `.keras` file."""
    versions: dict[str, str]
    """Versions of the packages needed to load it."""


@dataclass(frozen=True)
class Warned:
    """A message to the user that affects no result: shown in the terminal, not stored."""

    signature: str
    message: str


@dataclass(frozen=True)
class Finished:
    """The run is complete; `metrics` include the test metrics of the weights with the best validation score."""

    signature: str
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Diverged:
    """The loss or a gradient was not finite at `step`: a result, not an error."""

    signature: str
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Failed:
    """The run crashed; the next `rnnbench run` will retry it."""

    signature: str
    message: str
    traceback: str = ""


Event: TypeAlias = (
    Dispatched | Started | Measured | Profiled | Scored | Answered | Saved | Warned | Finished | Diverged | Failed
)
Ending = (Finished, Diverged, Failed)
