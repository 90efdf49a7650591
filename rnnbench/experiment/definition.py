"""The `Experiment` class: tasks x models x lags x seeds, validated and expanded into runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from rnnbench import registry
from rnnbench.datasets.own.place import DIRECTORY
from rnnbench.errors import SettingError, UserError
from rnnbench.experiment.expansion import (
    Values,
    at_its_setting,
    axes_of,
    every_point,
    read_entry,
    refuse_unknown,
)
from rnnbench.experiment.feasibility import InfeasibleError, as_infeasible, check_model, check_task, untestable
from rnnbench.experiment.grids_of_a_label import (
    Entry,
    check_one_class_each,
    grids_of,
    merged,
    pairs,
    with_defaults,
)
from rnnbench.experiment.mistakes import first_mistake, shown
from rnnbench.experiment.optimizers import plugin_class
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.seeds import MOST_RUNS, check_seeds, parse_seeds
from rnnbench.experiment.settings import GradientProbes, KeyPath, Selection, Settings, Training, parse_test_lags
from rnnbench.identity import class_code, signature
from rnnbench.models.base import Model
from rnnbench.models.sizing import STATE, BudgetError, Measure, check_budget, recurrent_parameters, units_for_budget
from rnnbench.tasks.base import Task
from rnnbench.tasks.data_digest import UnfitDataError

_BUDGETS = {"parameters": "parameter_budget", "state": "state_budget"}
"""The key of the budget that a `match` meets."""
_OWN_COLUMNS = ("lag", "filler", "training_lags")
"""Axes of a task that tables have a column for, and so are no part of its setting there."""


class Experiment(Settings):
    """The content of an experiment file: see `experiments/` for examples.

    Any value under a task, a model or `training` may be a list, which makes it an axis of the grid. Training settings
    under a task override `training`, and those under a model override both.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)
    """Name of the MLflow experiment and of the report's folder."""
    description: str = ""
    """The question that the experiment answers, in a sentence."""
    plugins: tuple[str, ...] = ()
    """Modules that register tasks, models and optimizers, or `.py` files by their path relative to this file."""
    tasks: dict[str, Entry] = Field(min_length=1)
    """Each task's settings by label. `task` names the registered task if the label does not. Where the axes of a label
    do not go with each other, a list of such entries gives several grids side by side."""
    models: dict[str, Entry] = Field(min_length=1)
    """Each model's settings by label. `model` names the registered model if the label does not. A list gives several
    grids, as for tasks."""
    match: Literal["units", "parameters", "state"] = "units"
    """How models are sized. `units`: by their own `units`; `parameters` and `state`: units chosen to meet
    `parameter_budget` or `state_budget`."""
    parameter_budget: int | None = Field(None, ge=1)
    """Number of recurrent parameters of each model under `match: parameters`."""
    state_budget: int | None = Field(None, ge=1)
    """Size of each model's state under `match: state`: the numbers that an example carries from step to step, of all
    states and layers."""
    seeds: tuple[int, ...] = (0,)
    """A list of seeds, or a number n for 0..n-1."""
    training: dict[str, Any] = Field({})
    """How every network is trained."""
    gradients: GradientProbes = GradientProbes()
    """How gradient profiles, spectra and saturation are measured."""
    test_lags: Annotated[tuple[int, ...] | None, BeforeValidator(parse_test_lags)] = None
    """Lags at which every run is tested at its end, forward only, beside its own. Default: for each run the shortest
    lag, L/4, L/2, 3L/4, L-1, L, L+1, 3L/2 and 2L of its own lag L, where they exist."""
    log_model: Literal["best"] | None = None
    """`best`: log each run's network, with its best validation weights, to MLflow; load it with
    `mlflow.keras.load_model`. Results do not change, so finished runs are not repeated, except with `--fresh`."""
    select: Selection | None = None
    """Select values of axes, such as the learning rate, for each task and model on validation; otherwise every value is
    a series of its own."""

    _origin: tuple[Path, tuple[str, ...]] | None = PrivateAttr(None)
    _directory: str = PrivateAttr("")

    _count_of_seeds = field_validator("seeds", mode="before")(parse_seeds)
    _distinct_seeds = field_validator("seeds")(check_seeds)

    @field_validator("tasks", "models", mode="before")
    @classmethod
    def _defaults_by_name_alone(cls, value: Any) -> Any:
        # `lstm:` with no value is the model with its defaults.
        if not isinstance(value, dict):
            return value
        return {label: with_defaults(entry) for label, entry in value.items()}

    @field_validator("training", "gradients", mode="before")
    @classmethod
    def _empty_group(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("plugins", mode="before")
    @classmethod
    def _list_of_plugins(cls, value: Any) -> Any:
        if not (isinstance(value, list | tuple) and all(isinstance(plugin, str) for plugin in value)):
            raise ValueError(f"write a list of modules or .py files, not {shown(value)}")
        # Workers may have another working directory.
        return tuple(str(Path(plugin).resolve()) if plugin.endswith(".py") else plugin for plugin in value)

    @field_validator("tasks", "models")
    @classmethod
    def _labels_can_be_shown(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        for label in value:
            if not (label.strip() and label.isprintable()):
                path = (str(info.field_name), label)
                raise SettingError(path, f"a label must be one line of text without control characters, not {label!a}")
        return value

    @model_validator(mode="after")
    def _budget_goes_with_match(self) -> Experiment:
        for match, key in _BUDGETS.items():
            if (self.match == match) != (getattr(self, key) is not None):
                raise SettingError(("match",), f"'match: {match}' and '{key}: N' go together")
        return self

    @model_validator(mode="after")
    def _selection_leaves_seeds(self) -> Experiment:
        if self.select is None:
            return self
        unknown_seeds = sorted(set(self.select.seeds) - set(self.seeds))
        if unknown_seeds:
            raise SettingError(("select", "seeds"), f"seed {unknown_seeds[0]} is not one of the experiment's seeds")
        if set(self.select.seeds) == set(self.seeds):
            raise SettingError(
                ("select", "seeds"), "no seed is left for evaluation; remove one here, or the whole list"
            )
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _validate_all(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Experiment:
        """Raise every mistake as a `SettingError` of the constructor, including those of tasks and models.

        Defined last, so that it wraps the other validators. The context may name the directory of relative paths.
        """
        try:
            experiment: Experiment = handler(value)
        except ValidationError as error:
            groups: dict[str, type[BaseModel]] = {"gradients": GradientProbes, "select": Selection}
            raise first_mistake(error, cls, groups) from None
        experiment._directory = (info.context or {}).get(DIRECTORY, "")
        try:
            # Reloaded, as they or the files they read may have been edited in this session; together, as no two may
            # register the same name.
            registry.load_plugins(experiment.plugins, fresh=True)
        except UserError as error:
            at = [at for at, plugin in enumerate(experiment.plugins) if f"'{plugin}'" in str(error)]
            raise SettingError(("plugins", *at[:1]), str(error)) from error
        experiment._check_axes_of_choice()
        experiment.runs  # noqa: B018  (expanding validates the settings of tasks and models)
        return experiment

    @cached_property
    def all_points(self) -> tuple[RunSpec, ...]:
        """Every point of the grid, in the order of the file, those that are skipped too: see `RunSpec.skipped`.

        Raises `SettingError` for invalid settings, an empty grid, or a point that occurs twice.
        """
        check_one_class_each("task", self.tasks)
        check_one_class_each("model", self.models)
        self._check_size()
        points: list[RunSpec] = []
        fingerprints: dict[str, str | None] = {}
        for task_label, model_label in itertools.product(self.tasks, self.models):
            for grids in pairs(self.tasks[task_label], self.models[model_label]):
                points += self._cell(task_label, model_label, grids, fingerprints)
        for task_class in {type(point.task) for point in points}:
            class_code.clear_caches(task_class)
        seen: dict[str, RunSpec] = {}
        for point in points:
            twin = seen.setdefault(signature.canonical_json(point.sent), point)
            if twin is not point:
                raise SettingError((), f"two points of the grid are the same run: '{twin.name}' and '{point.name}'")
        return tuple(points)

    @cached_property
    def points(self) -> tuple[RunSpec, ...]:
        """Every point of the grid that can be done. Raises `SettingError` as `whole_grid` does.

        Points that are the same computation, such as all protocols at the shortest lag, share a signature: see `runs`.
        """
        self.whole_grid  # noqa: B018  (it raises the mistakes of tasks and models)
        return tuple(point for point in self.all_points if point.skipped is None)

    @cached_property
    def whole_grid(self) -> tuple[RunSpec, ...]:
        """The distinct computations among `all_points`: `runs` and `skipped`, in the order of the file.

        Raises `SettingError` as `all_points` does, for data that are unfit, and for a model that cannot say what it
        does not support.
        """
        found: dict[str, RunSpec] = {}
        for point in self.all_points:
            with _at_its_entry(point):
                found.setdefault(point.key, point.canonical)
        return tuple(found.values())

    @cached_property
    def runs(self) -> tuple[RunSpec, ...]:
        """The distinct computations that can be done: what is run, stored and counted."""
        return tuple(spec for spec in self.whole_grid if spec.skipped is None)

    @cached_property
    def skipped(self) -> tuple[RunSpec, ...]:
        """The distinct computations that their model cannot do: see `RunSpec.skipped`."""
        return tuple(spec for spec in self.whole_grid if spec.skipped is not None)

    @property
    def file(self) -> Path | None:
        """The file it was read from; None if it was created in Python."""
        return self._origin[0] if self._origin else None

    @property
    def overrides(self) -> tuple[str, ...]:
        """The `KEY=VALUE` overrides applied to its file."""
        return self._origin[1] if self._origin else ()

    def remember(self, file: Path, overrides: tuple[str, ...]) -> None:
        """Record where it was read from; this is not part of its settings or of any signature."""
        self._origin = file, overrides

    def _repr_html_(self) -> str:
        from rnnbench.experiment.in_a_notebook import experiment_html

        return experiment_html(self.model_dump(mode="json"), len(self.runs), len(self.skipped))

    def resolved(self) -> dict[str, Any]:
        """The experiment with every default filled in, as plain values; an axis is the list of its values."""
        tasks: dict[str, dict[int, list[dict[str, Any]]]] = {}
        models: dict[str, dict[int, list[dict[str, Any]]]] = {}
        for run in self.all_points:
            settings, (of_task, of_model) = run.settings, run.grids
            task = {"task": settings["task"], **settings["task_settings"]}
            model = {"model": settings["model"], **settings["model_settings"], "training": settings["training"]}
            tasks.setdefault(run.task_label, {}).setdefault(of_task, []).append(task)
            models.setdefault(run.model_label, {}).setdefault(of_model, []).append(model)
        chosen: dict[str, Any] = {"select": self.select.model_dump(mode="json")} if self.select else {}
        chosen |= {} if self.state_budget is None else {"state_budget": self.state_budget}
        chosen |= {} if self.test_lags is None else {"test_lags": list(self.test_lags)}
        return {
            **self.model_dump(mode="json", include={"name", "description", "match", "parameter_budget", "seeds"}),
            **chosen,
            "plugins": [plugin.rpartition("/")[2] for plugin in self.plugins],
            "gradients": self.gradients.model_dump(mode="json"),
            "tasks": {label: merged(grids) for label, grids in tasks.items()},
            "models": {label: merged(grids) for label, grids in models.items()},
        }

    def _cell(
        self, task_label: str, model_label: str, grids: tuple[int, int], fingerprints: dict[str, str | None]
    ) -> Iterator[RunSpec]:
        task_entry, task_path = grids_of(self.tasks[task_label], ("tasks", task_label))[grids[0]]
        model_entry, model_path = grids_of(self.models[model_label], ("models", model_label))[grids[1]]
        task_class, task_values, task_training = read_entry(task_entry, registry.tasks, "task", task_path)
        model_class, model_values, model_training = read_entry(model_entry, registry.models, "model", model_path)
        if self.match in _BUDGETS and "units" in model_values:
            raise SettingError((*model_path, "units"), f"'match: {self.match}' chooses the units; remove this key")
        base: Values = {key: (value, ("training", key)) for key, value in self.training.items()}
        refuse_unknown(base, set(Training.model_fields), ("training",))
        training_values = base | task_training | model_training
        trainings = list(every_point(Training, training_values, ("training",)))
        models = list(every_point(model_class, model_values, model_path))
        batch_sizes = {training.batch_size: training_axes for training, training_axes in trainings}
        for task, task_axes in every_point(task_class, task_values, task_path, self._directory):
            for batch_size, training_axes in batch_sizes.items():
                with at_its_setting(training_values | task_values, training_axes | task_axes, task_path):
                    check_task(task, batch_size)
            self._check_test_lags(task_label, task)
            for (model, model_axes), (training, training_axes) in itertools.product(models, trainings):
                with at_its_setting(model_values, model_axes, model_path):
                    sized = self._sized(model, task)
                    check_model(sized, task.ports.width)
                for seed in self.seeds:
                    yield RunSpec(
                        task_label=task_label,
                        task=task,
                        model_label=model_label,
                        model=sized,
                        seed=seed,
                        training=training,
                        gradients=self.gradients,
                        test_lags=self.test_lags,
                        plugins=self.plugins,
                        task_axes={key: task_axes[key] for key in task_axes if key not in _OWN_COLUMNS},
                        model_axes=model_axes | training_axes,
                        log_model=self.log_model is not None,
                        plugin_optimizer=plugin_class(training.optimizer),
                        fingerprints=fingerprints,
                        grids=grids,
                    )

    def _check_test_lags(self, label: str, task: Task) -> None:
        """Raise `SettingError` for a lag that is asked for and that the task cannot be tested at."""
        for lag in self.test_lags or ():
            if (reason := untestable(task, lag)) is not None:
                raise SettingError(("test_lags",), f"lag {lag} cannot be tested on task '{label}': {reason}")

    def _check_axes_of_choice(self) -> None:
        """Raise `SettingError` for an axis of `select` that the grid does not have, or that is one of tasks."""
        axes = self.select.axes if self.select else ()
        for at, axis in enumerate(axes):
            if any(axis in point.model_axes for point in self.all_points):
                continue
            where = ("select", "axes", at)
            models = {name for point in self.all_points for name in type(point.model).model_fields}
            known = sorted({*Training.model_fields, *models})
            if axis in known:
                raise SettingError(where, f"there is nothing to select: no '{axis}' is a list")
            if axis in {name for point in self.all_points for name in signature.keys(type(point.task))}:
                raise SettingError(where, f"'{axis}' is a setting of tasks: select on those of training and models")
            raise SettingError(where, registry.unknown("axis", axis, known))

    def _check_size(self) -> None:
        """Raise `SettingError` if the grid is too large, before expanding it."""
        points = 0
        tasks = [grid for label, entry in self.tasks.items() for grid in grids_of(entry, ("tasks", label))]
        models = [grid for label, entry in self.models.items() for grid in grids_of(entry, ("models", label))]
        axes: dict[KeyPath, int] = {("tasks",): len(tasks), ("models",): len(models)}
        for (task, task_path), (model, model_path) in itertools.product(tasks, models):
            task_class, task_values, task_training = read_entry(task, registry.tasks, "task", task_path)
            model_class, model_values, model_training = read_entry(model, registry.models, "model", model_path)
            base: Values = {key: (value, ("training", key)) for key, value in self.training.items()}
            found = axes_of(task_class, task_values) | axes_of(model_class, model_values)
            found |= axes_of(Training, base | task_training | model_training)
            axes |= found
            points += math.prod(found.values())
            if points * len(self.seeds) > MOST_RUNS:
                raise self._too_large(axes | {("seeds",): len(self.seeds)}, points * len(self.seeds))

    def _too_large(self, axes: dict[KeyPath, int], runs: int) -> SettingError:
        longest = max(axes, key=lambda path: axes[path])
        is_count = longest == ("seeds",) and self.seeds == tuple(range(len(self.seeds)))
        single = f"; for a single seed write [{len(self.seeds)}]" if is_count else ""
        return SettingError(
            longest,
            f"{axes[longest]:,} values give, with the other axes, a grid of at least {runs:,} runs, but the maximum is "
            f"{MOST_RUNS:,}{single}",
        )

    def _sized(self, model: Model, task: Task) -> Model:
        if self.match not in _BUDGETS:
            return model
        key = _BUDGETS[self.match]
        try:
            with as_infeasible(type(model), "state_size" if self.match == "state" else "layer_parameters"):
                measure = self._measure(model, task)
                budget = getattr(self, key)
                sized = model.model_copy(update={"units": units_for_budget(model, measure, budget)})
                check_budget(sized, measure, budget)
        except BudgetError as error:
            raise SettingError((key,), str(error)) from None
        return sized

    def _measure(self, model: Model, task: Task) -> Measure:
        """What the budget counts. Raises `InfeasibleError` for a model that has none of it."""
        if self.match == "parameters":
            return recurrent_parameters(task.ports.width)
        if model.state_size() is None:
            raise InfeasibleError("", f"{type(model).__name__} has no state of a fixed size, as 'match: state' needs")
        return STATE


@contextmanager
def _at_its_entry(point: RunSpec) -> Iterator[None]:
    """Turn what is wrong with a point's data, or with its model's own words, into a `SettingError` at its entry."""
    try:
        yield
    except UnfitDataError as error:
        raise SettingError(("tasks", point.task_label), str(error)) from None
    except InfeasibleError as error:
        raise SettingError(("models", point.model_label), error.message) from None
