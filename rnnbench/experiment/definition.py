"""An experiment: tasks x models x lags x seeds, validated and expanded into its runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from rnnbench import registry
from rnnbench.errors import SettingError, UserError
from rnnbench.experiment.expansion import (
    Values,
    axes_of,
    every_point,
    merge_points,
    read_entry,
    refuse_unknown,
    refusing,
)
from rnnbench.experiment.feasibility import check_model, check_task, telling
from rnnbench.experiment.mistakes import first_mistake, shown
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.seeds import MOST_RUNS, counted, distinct
from rnnbench.experiment.settings import GradientProbes, KeyPath, Selection, Settings, Training
from rnnbench.identity import class_code, signature
from rnnbench.models.base import Model
from rnnbench.models.sizing import BudgetError, check_budget, units_for_budget
from rnnbench.tasks.base import Task
from rnnbench.tasks.data_digest import UnfitDataError


class Experiment(Settings):
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
    training: dict[str, Any] = Field({})
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
            class_code.clear_caches(task_class)
        seen: dict[str, RunSpec] = {}
        for point in points:
            twin = seen.setdefault(signature.canonical_json(point.settings), point)
            if twin is not point:
                raise SettingError((), f"two points of the grid are the same run: '{twin.name}' and '{point.name}'")
        return tuple(points)

    @cached_property
    def runs(self) -> tuple[RunSpec, ...]:
        """What is to be computed for `points`, each once. Raises `SettingError` as they do."""
        runs: dict[str, RunSpec] = {}
        for point in self.points:
            try:
                runs.setdefault(point.signature, point.canonical)
            except UnfitDataError as error:
                raise SettingError(("tasks", point.task_label), str(error)) from None
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
            "tasks": {label: merge_points(points) for label, points in tasks.items()},
            "models": {label: merge_points(points) for label, points in models.items()},
        }

    def _cell(self, task_label: str, model_label: str, fingerprints: dict[str, str | None]) -> Iterator[RunSpec]:
        task_path, model_path = ("tasks", task_label), ("models", model_label)
        task_class, task_values, task_training = read_entry(self.tasks[task_label], registry.tasks, "task", task_path)
        model_class, model_values, model_training = read_entry(
            self.models[model_label], registry.models, "model", model_path
        )
        if self.match == "parameters" and "units" in model_values:
            raise SettingError((*model_path, "units"), "'match: parameters' chooses the units; leave this key out")
        base: Values = {key: (value, ("training", key)) for key, value in self.training.items()}
        refuse_unknown(base, set(Training.model_fields), ("training",))
        training_values = base | task_training | model_training
        trainings = list(every_point(Training, training_values, ("training",)))
        models = list(every_point(model_class, model_values, model_path))
        batch_sizes = {training.batch_size: training_axes for training, training_axes in trainings}
        for task, task_axes in every_point(task_class, task_values, task_path):
            for batch_size, training_axes in batch_sizes.items():
                with refusing(training_values | task_values, training_axes | task_axes, task_path):
                    check_task(task, batch_size)
            for (model, model_axes), (training, training_axes) in itertools.product(models, trainings):
                with refusing(model_values, model_axes, model_path):
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
            task_class, task_values, task_training = read_entry(
                self.tasks[task], registry.tasks, "task", ("tasks", task)
            )
            model_class, model_values, model_training = read_entry(
                self.models[model], registry.models, "model", ("models", model)
            )
            base: Values = {key: (value, ("training", key)) for key, value in self.training.items()}
            found = axes_of(task_class, task_values) | axes_of(model_class, model_values)
            found |= axes_of(Training, base | task_training | model_training)
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
                sized = model.model_copy(update={"units": units})
                check_budget(sized, task.inputs.width, self.parameter_budget)
        except BudgetError as error:
            raise SettingError(("parameter_budget",), str(error)) from None
        return sized
