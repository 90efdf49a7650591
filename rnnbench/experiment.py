"""An experiment and its runs: tasks x models x lags x seeds, resolved, frozen and signed."""

from __future__ import annotations

import importlib
import itertools
import json
import math
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from rnnbench import class_code, registry, signature
from rnnbench.errors import SettingError, UserError
from rnnbench.feasibility import InfeasibleError, check_class, check_model, check_task, telling
from rnnbench.mistakes import explain, first_mistake, shown
from rnnbench.models.base import Model
from rnnbench.models.sizing import BudgetError, units_for_budget
from rnnbench.seeds import MOST_RUNS, counted, distinct
from rnnbench.signature import PARTS
from rnnbench.strict_json import not_finite
from rnnbench.tasks import fed
from rnnbench.tasks.base import Task

KeyPath = tuple[str | int, ...]
Layers = Literal["fast", "stock"]


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

    _count_of_seeds = field_validator("seeds", mode="before")(counted)


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

    _origin: tuple[Path, tuple[str, ...]] | None = PrivateAttr(None)

    _count_of_seeds = field_validator("seeds", mode="before")(counted)
    _distinct_seeds = field_validator("seeds")(distinct)

    @field_validator("tasks", "models", mode="before")
    @classmethod
    def _defaults_by_name_alone(cls, value: Any) -> Any:
        # `lstm:` with nothing behind it is the model with its defaults.
        if not isinstance(value, dict):
            return value
        return {label: {} if entry is None else entry for label, entry in value.items()}

    @field_validator("training", "gradients", mode="before")
    @classmethod
    def _empty_group(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("plugins", mode="before")
    @classmethod
    def _list_of_plugins(cls, value: Any) -> Any:
        if not (isinstance(value, list | tuple) and all(isinstance(plugin, str) for plugin in value)):
            raise ValueError(f"write a list of modules or .py files, not {shown(value)}")
        # A worker must find them from wherever it works.
        return tuple(str(Path(plugin).resolve()) if plugin.endswith(".py") else plugin for plugin in value)

    @field_validator("tasks", "models")
    @classmethod
    def _labels_can_be_shown(cls, value: dict[str, dict[str, Any]], info: ValidationInfo) -> dict[str, dict[str, Any]]:
        for label in value:
            if not (label.strip() and label.isprintable()):
                path = (str(info.field_name), label)
                raise SettingError(path, f"a label is text on one line without control characters, not {label!a}")
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

    @model_validator(mode="wrap")
    @classmethod
    def _said_at_once(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Experiment:
        """Every mistake is a `SettingError` of the constructor, those of tasks and models included.

        The last of the validators, and so around the others.
        """
        try:
            experiment: Experiment = handler(value)
        except ValidationError as error:
            groups: dict[str, type[BaseModel]] = {"gradients": GradientProbes, "select": Selection}
            raise first_mistake(error, cls, groups) from None
        try:
            # Anew, for they or what they have read may have been edited in this session; together, for two of them may
            # not register one name.
            registry.load_plugins(experiment.plugins, fresh=True)
        except UserError as error:
            at = [at for at, plugin in enumerate(experiment.plugins) if f"'{plugin}'" in str(error)]
            raise SettingError(("plugins", *at[:1]), str(error)) from error
        experiment.runs  # noqa: B018  (expanding validates what tasks and models say)
        return experiment

    @cached_property
    def points(self) -> tuple[RunSpec, ...]:
        """Every point of the grid as it is asked for, in the order of the file.

        Points that are one computation, such as both fillers where there is no lag, have one signature: see `runs`.
        Raises `SettingError` for settings that a task, a model or the training does not take, for an empty grid, and
        for one point that is asked for twice.
        """
        self._check_size()
        points: list[RunSpec] = []
        fingerprints: dict[str, str | None] = {}
        for task_label, model_label in itertools.product(self.tasks, self.models):
            points += self._cell(task_label, model_label, fingerprints)
        for task_class in {type(point.task) for point in points}:
            class_code.forget_cached(task_class)
        seen: dict[str, RunSpec] = {}
        for point in points:
            twin = seen.setdefault(signature.written(point.settings), point)
            if twin is not point:
                raise SettingError((), f"two points of the grid are the same run: '{twin.name}' and '{point.name}'")
        return tuple(points)

    @cached_property
    def runs(self) -> tuple[RunSpec, ...]:
        """What is to be computed for `points`, each once. Raises `SettingError` as they do."""
        runs: dict[str, RunSpec] = {}
        for point in self.points:
            runs.setdefault(point.signature, point.canonical)
        return tuple(runs.values())

    @property
    def file(self) -> Path | None:
        """The file it was read from; None if it was made in Python."""
        return self._origin[0] if self._origin else None

    @property
    def overrides(self) -> tuple[str, ...]:
        """The `KEY=VALUE` that were put over the values of its file."""
        return self._origin[1] if self._origin else ()

    def remember(self, file: Path, overrides: tuple[str, ...]) -> None:
        """Note where it comes from; no part of what it says, nor of any signature."""
        self._origin = file, overrides

    def resolved(self) -> dict[str, Any]:
        """The experiment with every default filled in, as plain values; an axis is the list of its values."""
        tasks: dict[str, list[dict[str, Any]]] = {}
        models: dict[str, list[dict[str, Any]]] = {}
        for run in self.points:
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

    def _cell(self, task_label: str, model_label: str, fingerprints: dict[str, str | None]) -> Iterator[RunSpec]:
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
                        fingerprints=fingerprints,
                    )

    def _check_size(self) -> None:
        """Refuse a grid that is too large before any of it is made."""
        points = 0
        axes: dict[KeyPath, int] = {("tasks",): len(self.tasks), ("models",): len(self.models)}
        for task, model in itertools.product(self.tasks, self.models):
            task_class, task_values, task_training = _read(self.tasks[task], registry.tasks, "task", ("tasks", task))
            model_class, model_values, model_training = _read(
                self.models[model], registry.models, "model", ("models", model)
            )
            base: Values = {key: (value, ("training", key)) for key, value in self.training.items()}
            found = _axes(task_class, task_values) | _axes(model_class, model_values)
            found |= _axes(Training, base | task_training | model_training)
            axes |= found
            points += math.prod(found.values())
            if points * len(self.seeds) > MOST_RUNS:
                raise self._too_large(axes | {("seeds",): len(self.seeds)}, points * len(self.seeds))

    def _too_large(self, axes: dict[KeyPath, int], runs: int) -> SettingError:
        longest = max(axes, key=lambda path: axes[path])
        counted = longest == ("seeds",) and self.seeds == tuple(range(len(self.seeds)))
        one = f"; for the one seed write [{len(self.seeds)}]" if counted else ""
        return SettingError(
            longest,
            f"{axes[longest]:,} values make, with the other axes, a grid of {runs:,} runs or more, and it has at most "
            f"{MOST_RUNS:,}{one}",
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
    fingerprints: dict[str, str | None] = field(default_factory=dict, repr=False)
    """Of the data, by task at any lag, as far as they have been read; shared by the runs of an experiment."""

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
    def canonical(self) -> RunSpec:
        """What is computed for this point: see `Task.canonical` and `Model.canonical`."""
        task, model = self.task.canonical(), self.model.canonical()
        return self if (task, model) == (self.task, self.model) else replace(self, task=task, model=model)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Everything that can change the result but the data, as plain values."""
        task_class, model_class = type(self.task), type(self.model)
        return {
            "task": registry.tasks.name_of(task_class),
            "task_code": class_code.of(task_class),
            "task_settings": self.task.model_dump(mode="json"),
            "model": registry.models.name_of(model_class),
            "model_code": class_code.of(model_class),
            "model_settings": self.model.model_dump(mode="json"),
            "seed": self.seed,
            "training": self.training.model_dump(mode="json"),
            "gradients": self.gradients.model_dump(mode="json"),
            "versions": {part: PARTS[part] for part in PARTS if part != "layers" or self.training.layers == "fast"},
        }

    @cached_property
    def fingerprint(self) -> str | None:
        """Of the data as they were when this was first asked; None where they are absent."""
        task = self.canonical.task
        settings = task.model_dump(mode="json", exclude={"lag"})
        key = signature.written([self.settings["task"], settings])
        if key not in self.fingerprints:
            self.fingerprints[key] = task.fingerprint()
        return self.fingerprints[key]

    @cached_property
    def signature(self) -> str:
        """The run's identity in every store, whatever its label or place in a grid: a hash of settings and data."""
        return signature.digest(self._hashed | {"data": self.fingerprint})

    @cached_property
    def settings_signature(self) -> str:
        """The same without the data: it finds runs where the data are absent."""
        return signature.digest(self._hashed)

    @cached_property
    def _hashed(self) -> dict[str, Any]:
        parts = {"task_settings": self.canonical.task, "model_settings": self.canonical.model}
        parts |= {"training": self.training, "gradients": self.gradients}
        return self.settings | {name: signature.hashed(part) for name, part in parts.items()}

    def check_current(self) -> None:
        """Raise `UserError`, one line, if code or data are not those of the signature any more, or cannot be read."""
        self.task.check_data()
        for thing in (type(self.task), type(self.model)):
            class_code.check_current(thing)
        task = self.canonical.task
        now = task.fingerprint()
        if now is None:
            fed.read(task)  # which says what is wrong
            raise UserError(f"tasks.{self.task_label}: the data are not there, says its fingerprint")
        if now != self.fingerprint:
            raise UserError(
                f"tasks.{self.task_label}: the data are not those that were there when the experiment was loaded, or "
                "not the same when they are read twice: load the experiment again"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # As plain values, because a process that has not loaded the plug-ins cannot unpickle their classes.
        labels = (self.task_label, self.model_label, self.plugins, self.task_axes, self.model_axes, self.log_model)
        homes = [home for thing in (type(self.task), type(self.model)) if (home := class_code.home_of(thing))]
        return _restore, (self.settings, *labels, homes)


def one_of_each(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """A run for each task, whatever its lag, and each model's class: they have their code and data in common."""
    found: dict[tuple[object, ...], RunSpec] = {}
    for spec in specs:
        task = spec.task.model_dump_json(exclude={"lag"})
        found.setdefault((type(spec.task), task, type(spec.model)), spec)
    return list(found.values())


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
    homes: list[str],
) -> RunSpec:
    registry.load_plugins(plugins)
    for home in homes:
        try:
            importlib.import_module(home)
        except Exception as error:
            raise UserError(
                f"module '{home}', which holds a task or model, cannot be imported: {error}; name it under 'plugins:'"
            ) from error
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
        raise SettingError(where, registry.unknown(kind, str(name), known))
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
            raise SettingError((*path, key), registry.unknown("key", key, sorted(allowed)))


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
            with _refusing(values, axis_values, path):
                with telling(settings, "validation"):
                    valid = settings.model_validate(point)
                _check_finite(valid)
            yield valid, dict(axis_values)
        except ValidationError as error:
            first = error.errors()[0]
            wrong = str(first["loc"][0]) if first["loc"] else ""
            at: KeyPath = values[wrong][1] if wrong in values else path
            if wrong in axes:
                at = (*at, axes[wrong].index(axis_values[wrong]))
            raise SettingError(at, explain(first)) from None


def _check_finite(settings: BaseModel) -> None:
    """Raise `InfeasibleError` for what pydantic lets pass: a default, and a number in a field of any type."""
    for key, value in settings:
        if (number := not_finite(value)) is not None:
            raise InfeasibleError(key, f"{key}: {number} is not valid: should be a finite number")


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


def _axes(settings: type[BaseModel], values: Values) -> dict[KeyPath, int]:
    """How many values each axis has."""
    known = {key: place for key, place in values.items() if key in settings.model_fields}
    return {path: len(value) for key, (value, path) in known.items() if is_axis(settings, key, value)}


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
