"""The groups of settings in an experiment file besides tasks and models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from rnnbench.experiment.mistakes import shown
from rnnbench.experiment.optimizers import canonical
from rnnbench.experiment.seeds import parse_seeds
from rnnbench.identity.signature import HashedAs, Joined

KeyPath = tuple[str | int, ...]
Implementation = Literal["fast", "stock"]
ScheduleName = Literal["constant", "cosine", "linear"]
_OPTIMIZER_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}]
}


class Settings(BaseModel):
    """Base class of the groups of settings: frozen, strictly typed, finite numbers, no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Training(Settings):
    """How every network is trained."""

    steps: int = Field(2000, ge=1, lt=2**31)
    """Training budget: number of batches, one optimizer step each."""
    batch_size: int = Field(64, ge=1)
    """Examples per batch."""
    learning_rate: float = Field(1e-3, gt=0)
    """Learning rate; with a `schedule` or `warmup` the highest one."""
    optimizer: Annotated[str, BeforeValidator(canonical), WithJsonSchema(_OPTIMIZER_SCHEMA), Joined(earlier="adam")] = (
        "adam"
    )
    """Optimizer by Keras' name, or a mapping with its arguments: `{name: sgd, momentum: 0.9}`."""
    schedule: Annotated[ScheduleName, Joined(earlier="constant")] = "constant"
    """How the learning rate changes after the warmup: not at all, or to 0 at the end of `steps`, as half a cosine or
    a straight line."""
    warmup: Annotated[int, Joined(earlier=0)] = Field(0, ge=0)
    """Steps in which the learning rate first rises to its value, in equal parts; fewer than `steps`."""
    global_clipnorm: float | None = Field(1.0, gt=0)
    """Maximum norm of the gradient w.r.t. all parameters together, which is clipped to it; null: no clipping."""
    truncate: Annotated[int | None, Joined(earlier=None)] = Field(None, ge=1, lt=2**31)
    """Truncated backpropagation through time: the gradient is cut every so many steps of a sequence, counted from its
    start; the states are carried on through all of it. null: the gradient goes back to the first step."""
    shards: Annotated[int, Joined(earlier=1)] = Field(1, ge=1)
    """Equal parts of each batch, which as many cores compute side by side; the gradient is their mean. For grids with
    fewer runs than cores. Results depend on it in their last digits, as sums are added in another order, never on the
    number of cores. `batch_size` must be a multiple of it."""
    evaluate_every: int = Field(100, ge=1)
    """Training steps between two evaluations on the validation split."""
    stop_when_solved: bool = True
    """Stop a run early once two evaluations in a row reach the task's `solved` score."""
    implementation: Annotated[Implementation, HashedAs("layers")] = "fast"
    """Recurrent layers. `fast`: on a CPU those of `rnnbench.layers`, compiled by XLA; `stock`: those of Keras."""

    @field_validator("warmup")
    @classmethod
    def _shorter_than_the_training(cls, warmup: int, info: ValidationInfo) -> int:
        steps = info.data.get("steps")
        if steps is not None and warmup >= steps:
            raise ValueError(f"{warmup:,} is too long: it must be less than steps, {steps:,}")
        return warmup

    @field_validator("shards")
    @classmethod
    def _divides_the_batch(cls, shards: int, info: ValidationInfo) -> int:
        batch_size = info.data.get("batch_size")
        if batch_size is not None and batch_size % shards:
            raise ValueError(
                f"{shards} equal parts cannot be made of batch_size, {batch_size}: give one of its divisors"
            )
        return shards


class GradientProbes(Settings):
    """How gradient profiles, spectra and saturation are measured."""

    examples: int = Field(64, ge=1)
    """Size of the probe batch: the first examples of the validation split, or all if there are fewer."""

    @model_validator(mode="before")
    @classmethod
    def _equal_steps(cls, value: Any) -> Any:
        if isinstance(value, dict) and "during" in value:
            raise ValueError(
                "'during' is no setting any more: gradients are measured at the start, at 1, 2 and 4 times "
                "training.evaluate_every, and at the end, so that runs are compared at equal steps; remove it"
            )
        return value


PROBED_INTERVALS = (1, 2, 4)
"""After how many intervals of `evaluate_every` steps gradients are measured, beside the start and the end."""


def probe_steps(training: Training) -> list[int]:
    """The training steps after which gradients are measured, between the start and the end; rising."""
    return [step for count in PROBED_INTERVALS if (step := count * training.evaluate_every) <= training.steps]


def parse_test_lags(value: Any) -> tuple[Any, ...] | None:
    """`test_lags` as a tuple, rising. Raises `ValueError` for anything but a list of distinct lags, or null."""
    if value is None:
        return None
    lags = list(value) if isinstance(value, list | tuple) else []
    if not lags or not all(type(lag) is int and lag >= 0 for lag in lags):
        raise ValueError(f"write a list of lags, such as [10, 50, 100], not {shown(value)}")
    if twice := [lag for lag in lags if lags.count(lag) > 1]:
        raise ValueError(f"lag {twice[0]} is listed twice")
    return tuple(sorted(lags))


def _with_axis(schema: dict[str, Any]) -> None:
    schema["properties"]["axis"] = {"type": "string", "description": "A single axis: short for `axes: [...]`."}


class Selection(Settings):
    """How one value of each of some axes is selected for each task and model: see `rnnbench.analysis.selection`."""

    model_config = ConfigDict(json_schema_extra=_with_axis)

    axes: tuple[str, ...] = ("learning_rate",)
    """The axes to select on together, using the validation split only: settings of training and of models that are
    lists in this file. `axis: learning_rate` is short for a single one."""
    seeds: tuple[int, ...] = ()
    """Tuning seeds: used for the selection only, so that it does not bias the results. The other seeds, the evaluation
    seeds, run at the selected values only. A list, or a number n for 0..n-1; default: all seeds do both."""

    each: tuple[Literal["task", "model", "lag"], ...] = ("task", "model")
    """What a choice is made for: `[task, model]`, one for all lags, or `[task, model, lag]`, one at each lag."""

    _count_of_seeds = field_validator("seeds", mode="before")(parse_seeds)

    @model_validator(mode="before")
    @classmethod
    def _single_axis(cls, value: Any) -> Any:
        if not (isinstance(value, dict) and "axis" in value):
            return value
        if "axes" in value:
            raise ValueError("'axis' and 'axes' say the same: keep one of them")
        if not isinstance(value["axis"], str):
            raise ValueError(f"'axis' names one axis, not {shown(value['axis'])}; for several write 'axes: [...]'")
        return {key: given for key, given in value.items() if key != "axis"} | {"axes": [value["axis"]]}

    @field_validator("axes", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        names = list(value) if isinstance(value, list | tuple) else []
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"write a list of axes, such as [learning_rate, optimizer], not {shown(value)}")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]} is listed twice")
        return tuple(names)

    @field_validator("each", mode="before")
    @classmethod
    def _per_task_and_model(cls, value: Any) -> Any:
        given = list(value) if isinstance(value, list | tuple) else [value]
        for each in (("task", "model"), ("task", "model", "lag")):
            if len(given) == len(each) and all(part in given for part in each):
                return each
        raise ValueError(
            f"{shown(value)} is not valid: give [task, model], a choice for all lags, or [task, model, lag], one at "
            "each lag; scores of two tasks have no common mean, and models are compared at what suits each"
        )
