"""What a run says while it goes: small, plain, picklable facts, in the order in which they happen.

A run is a function from a RunSpec to a stream of these. An executor puts `Dispatched` before them; they start with
`Started` and end with exactly one of `Finished`, `Diverged`, `Failed`, or break off if the run is stopped or its
process dies. Then it is dispatched again, and repeats what it said before its checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Dispatched:
    """The run was given to a worker, which loads its data."""

    signature: str
    worker: int
    resumed: bool = False
    """Whether it goes on from a checkpoint: what it said before stands. If not, it starts over."""


@dataclass(frozen=True)
class Started:
    """The network is built and its data are at hand."""

    signature: str
    parameters: int
    """Trainable parameters of the whole network."""
    levels: dict[str, float] = field(default_factory=dict)
    """Score of each memoryless or naive answer on the test split, by name (`chance`, `persistence`, ...)."""
    data: dict[str, str] = field(default_factory=dict)
    """The data set: `name`, `source`, `digest` of the test split."""
    environment: dict[str, str] = field(default_factory=dict)
    """Versions and device of the worker."""


@dataclass(frozen=True)
class Measured:
    """Metrics after `step` training steps (0: before the first)."""

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
    """`distance`, `state`, `median`, `low`, `high`, one entry a row."""


@dataclass(frozen=True)
class Saved:
    """The network at the weights that are tested, of stock layers; only of a run whose spec asks for it."""

    signature: str
    file: bytes
    """A `.keras` file."""
    versions: dict[str, str]
    """Versions of the packages that loading it takes."""


@dataclass(frozen=True)
class Warned:
    """Something that a person should know and that changes no result: for the terminal, not for the store."""

    signature: str
    message: str


@dataclass(frozen=True)
class Finished:
    """The run came to its end; `metrics` hold the test figures of the best validation weights."""

    signature: str
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Diverged:
    """The loss or a gradient stopped being finite at `step`: a result, not an error."""

    signature: str
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Failed:
    """The run crashed; it is tried again by the next `rnnbench run`."""

    signature: str
    message: str
    traceback: str = ""


Event: TypeAlias = Dispatched | Started | Measured | Profiled | Saved | Warned | Finished | Diverged | Failed
Ending = (Finished, Diverged, Failed)
