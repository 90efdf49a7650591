"""An experiment and its runs: tasks x models x lags x seeds, resolved, frozen and signed."""

from __future__ import annotations

import itertools
import json
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from rnnbench import registry, signature
from rnnbench.feasibility import InfeasibleError, check_class, check_model, check_task, telling
from rnnbench.models.base import Model
from rnnbench.models.sizing import BudgetError, units_for_budget
from rnnbench.signature import PARTS
from rnnbench.tasks.base import Task

KeyPath = tuple[str | int, ...]
Layers = Literal["fast", "stock"]
SEEDS = 2**32
"""How many seeds there are."""


class SettingError(Exception):
    """A mistake at one key of an experiment, before it is known in which file and line the key stands."""

    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


def _counted(value: Any) -> Any:
    return tuple(range(value)) if type(value) is int else tuple(value) if isinstance(value, list) else value


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Training(_Settings):
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
    layers: Layers = "fast"
    """`fast`: on a CPU, the recurrent layers of `rnnbench.layers`, compiled by XLA; `stock`: Keras' own."""


class GradientProbes(_Settings):
    """How gradient profile, spectra and saturation are taken."""

    examples: int = Field(64, ge=1)
    """Size of the probe batch: the first examples of the validation split, or all of them where there are fewer."""
    during: int = Field(3, ge=0)
    """How often between the first step and the last, evenly spread over the evaluations of the budget."""


class Selection(_Settings):
    """How one value of an axis is chosen for each task and model: see `rnnbench.selection`."""

    axis: Literal["learning_rate"] = "learning_rate"
    """What is chosen, on the validation split only: it must be an axis of the grid."""
    seeds: tuple[int, ...] = ()
    """Seeds that choose and are not evaluated, so that the choice favours none of those that are; the other seeds run
    at the chosen rates only. A list, or a number n for 0..n-1; default: all seeds choose and all are evaluated."""

    _count_of_seeds = field_validator("seeds", mode="before")(_counted)


class Experiment(_Settings):
    """The experiment file, read: see `experiments/` for examples.

    Any value under a task, a model or `training` may be a list: then it is an axis of the grid. What a task says about
    training overrides `training`, and what a model says overrides both.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)
    """Name of the MLflow experiment and of the folder of the report."""
    description: str = ""
    """What is asked, in a sentence."""
    plugins: tuple[str, ...] = ()
    """Modules, or `.py` files beside this one, that register tasks and models."""
    tasks: dict[str, dict[str, Any]] = Field(min_length=1)
    """Label: the task's settings. `task` names the registered task, where the label does not."""
    models: dict[str, dict[str, Any]] = Field(min_length=1)
    """Label: the model's settings. `model` names the registered model, where the label does not."""
    match: Literal["units", "parameters"] = "units"
    """What is held equal: each model has its own `units`, or units chosen to meet `parameter_budget`."""
    parameter_budget: int | None = Field(None, ge=1)
    """Recurrent parameters that each model gets under `match: parameters`."""
    seeds: tuple[int, ...] = (0,)
    """A list of seeds, or a number n for 0..n-1."""
    training: dict[str, Any] = {}
    """How every network is trained."""
    gradients: GradientProbes = GradientProbes()
    """How gradient profile, spectra and saturation are taken."""
    log_model: Literal["best"] | None = None
    """`best`: each run's network at its best validation weights is kept in MLflow, to be loaded with
    `mlflow.keras.load_model`. It changes no result, so finished runs stay as they are: `--fresh` repeats them."""
    select: Selection | None = None
    """Choose a learning rate for each task and model on validation; without it every rate is a line of its own."""

    _count_of_seeds = field_validator("seeds", mode="before")(_counted)

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value:
            raise ValueError("the grid is empty without a seed")
        if any(seed < 0 for seed in value):
            raise ValueError("a seed is 0 or more")
        if max(value) >= SEEDS:
            # NumPy's and Keras' generators take no larger one.
            raise ValueError(f"seed {max(value)} is too large: a seed is {SEEDS - 1:,} at most")
        twice = sorted({seed for seed in value if value.count(seed) > 1})
        if twice:
            raise ValueError(f"seed {twice[0]} stands there twice")
        return value

    @field_validator("tasks", "models")
    @classmethod
    def _labels_can_be_shown(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for label in value:
            if not (label.strip() and label.isprintable()):
                raise ValueError(f"a label is text on one line without control characters, not {label!a}")
        return value

    @model_validator(mode="after")
    def _budget_goes_with_match(self) -> Experiment:
        if (self.match == "parameters") != (self.parameter_budget is not None):
            raise SettingError(("match",), "'match: parameters' and 'parameter_budget: N' go together")
        return self

    @model_validator(mode="after")
    def _selection_has_a_choice(self) -> Experiment:
        if self.select is None:
            return self
        entries = [self.training, *self.tasks.values(), *self.models.values()]
        if not any(isinstance(entry.get(self.select.axis), list) for entry in entries):
            raise SettingError(("select",), f"there is nothing to choose: no '{self.select.axis}' is a list")
        strangers = sorted(set(self.select.seeds) - set(self.seeds))
        if strangers:
            raise SettingError(("select", "seeds"), f"seed {strangers[0]} is none of the experiment's seeds")
        if set(self.select.seeds) == set(self.seeds):
            raise SettingError(("select", "seeds"), "no seed is left to evaluate; leave one out, or this key")
        return self

    @cached_property
    def runs(self) -> tuple[RunSpec, ...]:
        """Every run of the grid, in the order of the file.

        Raises `SettingError` for settings that a task, a model or the training does not take, and for an empty grid.
        """
        runs: list[RunSpec] = []
        for task_label, model_label in itertools.product(self.tasks, self.models):
            runs += self._cell(task_label, model_label)
        seen: dict[str, RunSpec] = {}
        for run in runs:
            twin = seen.setdefault(run.signature, run)
            if twin is not run:
                raise SettingError((), f"two points of the grid are the same run: '{twin.name}' and '{run.name}'")
        return tuple(runs)

    def resolved(self) -> dict[str, Any]:
        """The experiment with every default filled in, as plain values; an axis is the list of its values."""
        tasks: dict[str, list[dict[str, Any]]] = {}
        models: dict[str, list[dict[str, Any]]] = {}
        for run in self.runs:
            settings = run.settings
            tasks.setdefault(run.task_label, []).append({"task": settings["task"], **settings["task_settings"]})
            model = {"model": settings["model"], **settings["model_settings"], "training": settings["training"]}
            models.setdefault(run.model_label, []).append(model)
        chosen = {"select": self.select.model_dump(mode="json")} if self.select else {}
        return {
            **self.model_dump(mode="json", include={"name", "description", "match", "parameter_budget", "seeds"}),
            **chosen,
            "plugins": [plugin.rpartition("/")[2] for plugin in self.plugins],
            "gradients": self.gradients.model_dump(mode="json"),
            "tasks": {label: _merged(points) for label, points in tasks.items()},
            "models": {label: _merged(points) for label, points in models.items()},
        }

    def _cell(self, task_label: str, model_label: str) -> Iterator[RunSpec]:
        task_path, model_path = ("tasks", task_label), ("models", model_label)
        task_class, task_values, task_training = _read(self.tasks[task_label], registry.tasks, "task", task_path)
        model_class, model_values, model_training = _read(
            self.models[model_label], registry.models, "model", model_path
        )
        if self.match == "parameters" and "units" in model_values:
            raise SettingError((*model_path, "units"), "'match: parameters' chooses the units; leave this key out")
        base: Values = {key: (value, ("training", key)) for key, value in self.training.items()}
        _refuse_unknown(base, set(Training.model_fields), ("training",))
        training_values = base | task_training | model_training
        trainings = list(_points(Training, training_values, ("training",)))
        models = list(_points(model_class, model_values, model_path))
        batch_sizes = {training.batch_size: training_axes for training, training_axes in trainings}
        for task, task_axes in _points(task_class, task_values, task_path):
            for batch_size, training_axes in batch_sizes.items():
                with _refusing(training_values | task_values, training_axes | task_axes, task_path):
                    check_task(task, batch_size)
            for (model, model_axes), (training, training_axes) in itertools.product(models, trainings):
                with _refusing(model_values, model_axes, model_path):
                    sized = self._sized(model, task)
                    check_model(sized, task.inputs.width)
                for seed in self.seeds:
                    yield RunSpec(
                        task_label=task_label,
                        task=task,
                        model_label=model_label,
                        model=sized,
                        seed=seed,
                        training=training,
                        gradients=self.gradients,
                        plugins=self.plugins,
                        task_axes={key: task_axes[key] for key in task_axes if key not in ("lag", "filler")},
                        model_axes=model_axes | training_axes,
                        log_model=self.log_model is not None,
                    )

    def _sized(self, model: Model, task: Task) -> Model:
        if self.parameter_budget is None:
            return model
        try:
            with telling(type(model), "layer_parameters"):
                units = units_for_budget(model, task.inputs.width, self.parameter_budget)
        except BudgetError as error:
            raise SettingError(("parameter_budget",), str(error)) from None
        return model.model_copy(update={"units": units})


def _merged(points: list[dict[str, Any]]) -> dict[str, Any]:
    """What all points have in common, and a list of the values where they differ."""
    merged: dict[str, Any] = {}
    for key in points[0]:
        values = [point[key] for point in points]
        if isinstance(values[0], dict):
            merged[key] = _merged(values)
        else:
            distinct = [value for at, value in enumerate(values) if value not in values[:at]]
            merged[key] = distinct if len(distinct) > 1 else distinct[0]
    return merged


@dataclass(frozen=True, eq=False)
class RunSpec:
    """One (task, lag, model, seed) training, fully resolved."""

    task_label: str
    task: Task
    model_label: str
    model: Model
    seed: int
    training: Training
    gradients: GradientProbes
    plugins: tuple[str, ...] = ()
    task_axes: dict[str, Any] = field(default_factory=dict)
    """Values of the task's axes other than lag and filler: what tells its points apart in a report."""
    model_axes: dict[str, Any] = field(default_factory=dict)
    """Values of the axes of model and training."""
    log_model: bool = False
    """Whether the trained network is kept."""

    @property
    def name(self) -> str:
        """Short enough for the MLflow table: `lstm T100 s0 copy_memory`."""
        axes = "".join(f" {key}={value}" for key, value in (self.model_axes | self.task_axes).items())
        noise = " noise" if self.task.filler == "distractor" else ""
        return f"{self.model_label} T{self.task.lag} s{self.seed} {self.task_label}{noise}{axes}"

    @property
    def network(self) -> tuple[Task, Model, int, float | None, int, Layers]:
        """What the compiled network depends on: runs that have it in common share one in a worker."""
        training = self.training
        any_lag = self.task.model_copy(update={"lag": 1})
        window = min(training.evaluate_every, training.steps)
        settings = training.batch_size, training.global_clipnorm, window, training.layers
        return any_lag, self.model.architecture, *settings

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Everything that can change the result, as plain values."""
        task_class, model_class = type(self.task), type(self.model)
        return {
            "task": registry.tasks.name_of(task_class),
            "task_code": registry.code_version(task_class),
            "task_settings": self.task.model_dump(mode="json"),
            "model": registry.models.name_of(model_class),
            "model_code": registry.code_version(model_class),
            "model_settings": self.model.model_dump(mode="json"),
            "seed": self.seed,
            "training": self.training.model_dump(mode="json"),
            "gradients": self.gradients.model_dump(mode="json"),
            "versions": {part: PARTS[part] for part in PARTS if part != "layers" or self.training.layers == "fast"},
        }

    @cached_property
    def signature(self) -> str:
        """Hash of `settings`: the run's identity in every store, whatever its label or place in a grid."""
        task, model = signature.hashed(self.task), signature.hashed(self.model)
        training, gradients = signature.hashed(self.training), signature.hashed(self.gradients)
        parts = {"task_settings": task, "model_settings": model, "training": training, "gradients": gradients}
        return signature.digest(self.settings | parts)

    def __reduce__(self) -> tuple[Any, ...]:
        # As plain values, because a process that has not loaded the plug-ins cannot unpickle their classes.
        labels = (self.task_label, self.model_label, self.plugins, self.task_axes, self.model_axes, self.log_model)
        return _restore, (self.settings, *labels)


def line(spec: RunSpec, chosen: str | None = None) -> dict[str, str]:
    """What names the line of a run in figures and tables, the columns of `statistics.GROUP` in their order.

    `chosen`: the axis whose value is chosen for a line, and so is no part of its name.
    """

    def setting(axes: dict[str, Any]) -> str:
        return " ".join(f"{key}={value}" for key, value in axes.items() if key != chosen)

    return {
        "task": spec.task_label,
        "task_setting": setting(spec.task_axes),
        "source": spec.task.data_source,
        "filler": spec.task.filler,
        "model": spec.model_label,
        "model_setting": setting(spec.model_axes),
    }


def _restore(
    settings: dict[str, Any],
    task_label: str,
    model_label: str,
    plugins: tuple[str, ...],
    task_axes: dict[str, Any],
    model_axes: dict[str, Any],
    log_model: bool,
) -> RunSpec:
    registry.load_plugins(plugins)
    return RunSpec(
        task_label=task_label,
        task=registry.tasks[settings["task"]].model_validate_json(json.dumps(settings["task_settings"])),
        model_label=model_label,
        model=registry.models[settings["model"]].model_validate_json(json.dumps(settings["model_settings"])),
        seed=settings["seed"],
        training=Training.model_validate(settings["training"]),
        gradients=GradientProbes.model_validate(settings["gradients"]),
        plugins=plugins,
        task_axes=task_axes,
        model_axes=model_axes,
        log_model=log_model,
    )


Values = dict[str, tuple[Any, KeyPath]]
"""Settings as written, each with the place where it was written."""


def _read(
    entry: Mapping[str, Any], known: registry.Registry[Any], kind: str, path: KeyPath
) -> tuple[Any, Values, Values]:
    """The class an entry names, its settings, and those of its keys that override the training."""
    name = entry.get(kind, path[-1])
    if not isinstance(name, str) or name not in known:
        where = (*path, kind) if kind in entry else path
        near = registry.did_you_mean(str(name), known)
        raise SettingError(where, f"unknown {kind} '{name}'{near}; known: {', '.join(known)}")
    found = known[name]
    with _refusing({}, {}, path):
        check_class(found)
    values = {key: (value, (*path, key)) for key, value in entry.items() if key != kind}
    _refuse_unknown(values, {kind} | set(found.model_fields) | set(Training.model_fields), path)
    # A model's own `layers` are how many it stacks.
    training = {key: values[key] for key in values if key in Training.model_fields and key not in found.model_fields}
    return found, {key: value for key, value in values.items() if key not in training}, training


def _refuse_unknown(values: Values, allowed: set[str], path: KeyPath) -> None:
    for key in values:
        if key not in allowed:
            near = registry.did_you_mean(key, allowed)
            raise SettingError((*path, key), f"unknown key '{key}'{near}; allowed: {', '.join(sorted(allowed))}")


def _points(settings: type[Any], values: Values, path: KeyPath) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Every point of the axes among `values`: the validated object, and the axes' values there."""
    axes = {key: value for key, (value, _) in values.items() if is_axis(settings, key, value)}
    for key, choices in axes.items():
        if not choices:
            raise SettingError(values[key][1], "an empty list makes an empty grid; give at least one value")
    for chosen in itertools.product(*axes.values()):
        axis_values = dict(zip(axes, chosen, strict=True))
        point = {key: _frozen(axis_values.get(key, value)) for key, (value, _) in values.items()}
        try:
            with _refusing(values, axis_values, path), telling(settings, "validation"):
                valid = settings.model_validate(point)
            yield valid, dict(axis_values)
        except ValidationError as error:
            first = error.errors()[0]
            wrong = str(first["loc"][0]) if first["loc"] else ""
            at: KeyPath = values[wrong][1] if wrong in values else path
            if wrong in axes:
                at = (*at, axes[wrong].index(axis_values[wrong]))
            raise SettingError(at, explain(first)) from None


@contextmanager
def _refusing(values: Values, axes: Mapping[str, Any], path: KeyPath) -> Iterator[None]:
    """Say what cannot run at the place of its setting: where it is written, else under `path`."""
    try:
        yield
    except InfeasibleError as error:
        key = error.key
        if key not in values:
            raise SettingError((*path, key) if key else path, error.message) from None
        written, place = values[key]
        index = (written.index(axes[key]),) if key in axes else ()
        raise SettingError((*place, *index), error.message) from None


def is_axis(settings: type[BaseModel], key: str, value: Any) -> bool:
    """Whether a value is an axis: a list, or for a setting that is itself a list, a list of lists."""
    if not isinstance(value, list):
        return False
    return not takes_list(settings, key) or any(isinstance(item, list) for item in value)


def takes_list(settings: type[BaseModel], key: str) -> bool:
    """Whether one value of this setting is itself a list."""
    annotation = settings.model_fields[key].annotation
    return any(typing.get_origin(kind) is tuple for kind in (annotation, *typing.get_args(annotation)))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def explain(error: Any) -> str:
    """One pydantic error as a short sentence: what was found, what would be right."""
    if error["type"] == "missing":
        return f"'{error['loc'][-1]}' is missing"
    message = error["msg"].removeprefix("Value error, ")
    message = message.removeprefix("Input ")
    return f"{error['input']!r} is not valid: {message}" if error["type"] != "value_error" else message
