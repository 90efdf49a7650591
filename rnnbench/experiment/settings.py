"""The groups of settings that an experiment file has beside its tasks and models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rnnbench.experiment.seeds import counted
from rnnbench.identity.signature import HashedAs

KeyPath = tuple[str | int, ...]
Implementation = Literal["fast", "stock"]


class Settings(BaseModel):
    """What a group of keys of the experiment file has in common."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Training(Settings):
    """How every network is trained: Adam at a constant learning rate."""

    steps: int = Field(2000, ge=1, lt=2**31)
    """Budget, in batches."""
    batch_size: int = Field(64, ge=1)
    """Examples a batch."""
    learning_rate: float = Field(1e-3, gt=0)
    """Adam's step size."""
    global_clipnorm: float | None = Field(1.0, gt=0)
    """Norm to which the gradient of all parameters together is clipped; null: not clipped."""
    evaluate_every: int = Field(100, ge=1)
    """Steps between two evaluations on the validation split."""
    stop_when_solved: bool = True
    """End a run when two evaluations in a row meet the task's `solved` score."""
    implementation: Annotated[Implementation, HashedAs("layers")] = "fast"
    """`fast`: on a CPU, the recurrent layers of `rnnbench.layers`, compiled by XLA; `stock`: Keras' own."""


class GradientProbes(Settings):
    """How gradient profile, spectra and saturation are taken."""

    examples: int = Field(64, ge=1)
    """Size of the probe batch: the first examples of the validation split, or all of them where there are fewer."""
    during: int = Field(3, ge=0)
    """How often between the first step and the last, evenly spread over the evaluations of the budget."""


class Selection(Settings):
    """How one value of an axis is chosen for each task and model: see `rnnbench.analysis.selection`."""

    axis: Literal["learning_rate"] = "learning_rate"
    """What is chosen, on the validation split only: it must be an axis of the grid."""
    seeds: tuple[int, ...] = ()
    """Seeds that choose and are not evaluated, so that the choice favours none of those that are; the other seeds run
    at the chosen rates only. A list, or a number n for 0..n-1; default: all seeds choose and all are evaluated."""

    _count_of_seeds = field_validator("seeds", mode="before")(counted)
