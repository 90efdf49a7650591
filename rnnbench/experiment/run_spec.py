"""`RunSpec`, one run of a grid: resolved, frozen and signed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from rnnbench import registry
from rnnbench.datasets.own.place import WITH_PATHS
from rnnbench.errors import UserError
from rnnbench.experiment.feasibility import reason_to_skip, tested_lags
from rnnbench.experiment.optimizers import plugin_class
from rnnbench.experiment.settings import GradientProbes, Implementation, ScheduleName, Training
from rnnbench.identity import class_code, signature
from rnnbench.identity.signature import PART_VERSIONS
from rnnbench.models.base import Model, RNNModel
from rnnbench.tasks import data_digest
from rnnbench.tasks.base import Task
from rnnbench.tasks.own_file import OwnFileTask

_NO_STATES = "it has no states whose gradient training.truncate could cut"
_LOOKS_AHEAD = "its layer reads later steps too, which shortcuts the lag"
_OF_CODE = ("task_code", "model_code", "optimizer_code", "versions")
"""Parts of the signature that say what code answers, not what is asked."""


@dataclass(frozen=True)
class CompileKey:
    """What a compiled network depends on: runs with equal keys share one in a worker."""

    task: Task
    """The task at lag 1: the network is the same at every lag, whatever it is trained at."""
    model: Model
    """The model's architecture: see `Model.architecture`."""
    batch_size: int
    global_clipnorm: float | None
    window: int
    """Number of training steps between two evaluations, whose losses and norms are buffered."""
    implementation: Implementation
    optimizer: str
    schedule: tuple[ScheduleName, int, int] | None
    """Name, warmup and steps; None: a constant learning rate, however many steps there are."""
    truncate: int | None
    """Steps between two cuts of the gradient; None: no cut."""
    plugin_optimizer: type[Any] | None = None
    """The optimiser's class if it is of a plug-in, whose code may have changed under the same name."""
    shards: int = 1
    """Equal parts of a batch, which are computed side by side."""


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
    test_lags: tuple[int, ...] | None = None
    """Lags at which it is tested beside its own; None: the default ones, see `tasks.lag_curve`."""
    plugins: tuple[str, ...] = ()
    task_axes: dict[str, Any] = field(default_factory=dict)
    """Values of the task's axes other than lag, filler and training_lags; they tell its points apart in a report."""
    model_axes: dict[str, Any] = field(default_factory=dict)
    """Values of the axes of the model and of training."""
    log_model: bool = False
    """Whether the trained network is logged to MLflow."""
    plugin_optimizer: type[Any] | None = None
    """The class of the optimiser if it is of a plug-in; None for one of Keras'."""
    fingerprints: dict[str, str | None] = field(default_factory=dict, repr=False)
    """Fingerprints of data read so far, by task settings without the lag; shared by the runs of an experiment."""
    grids: tuple[int, int] = (0, 0)
    """Which of the grids of its task's label, and of its model's, it belongs to."""

    @property
    def name(self) -> str:
        """A name short enough for the MLflow table: `lstm T100 s0 copy_memory`."""
        axes = "".join(f" {setting}" for setting in written(self.model_axes | self.task_axes))
        task = self.task
        filler = {"blank": "", "distractor": " noise"}.get(task.filler, f" {task.filler}")
        protocol = task.training_lags
        lags = "" if protocol == type(task).model_fields["training_lags"].default else f" {protocol}"
        return f"{self.model_label} T{task.lag} s{self.seed} {self.task_label}{filler}{lags}{axes}"

    @property
    def compile_key(self) -> CompileKey:
        training = self.training
        constant = training.schedule == "constant" and not training.warmup
        return CompileKey(
            task=_any_lag(self.task),
            model=self.model.architecture,
            batch_size=training.batch_size,
            global_clipnorm=training.global_clipnorm,
            window=min(training.evaluate_every, training.steps),
            implementation=training.implementation,
            optimizer=training.optimizer,
            schedule=None if constant else (training.schedule, training.warmup, training.steps),
            truncate=training.truncate,
            plugin_optimizer=self.plugin_optimizer,
            shards=training.shards,
        )

    @property
    def classes(self) -> tuple[type[Any], ...]:
        """The classes whose code it runs: those of its task, its model and a plug-in's optimiser."""
        optimizer = () if self.plugin_optimizer is None else (self.plugin_optimizer,)
        return (type(self.task), type(self.model), *optimizer)

    @cached_property
    def tested_lags(self) -> list[int]:
        """The lags at which it is tested at its end, its own among them; rising."""
        return tested_lags(self.task, self.test_lags)

    @cached_property
    def canonical(self) -> RunSpec:
        """The computation that this point stands for: see `Task.canonical` and `Model.canonical`."""
        task, model = self.task.canonical(), self.model.canonical()
        return self if (task, model) == (self.task, self.model) else replace(self, task=task, model=model)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Everything that can change the result except the data, as plain values."""
        task_class, model_class, *_ = self.classes
        optimizer = self.plugin_optimizer
        return {
            "task": registry.tasks.name_of(task_class),
            "task_code": class_code.identity(task_class),
            "task_settings": self.task.model_dump(mode="json"),
            "model": registry.models.name_of(model_class),
            "model_code": class_code.identity(model_class),
            "model_settings": self.model.model_dump(mode="json"),
            "seed": self.seed,
            "training": self.training.model_dump(mode="json"),
            "gradients": self.gradients.model_dump(mode="json"),
            **({} if self.test_lags is None else {"test_lags": list(self.test_lags)}),
            "versions": {part: version for part, version in PART_VERSIONS.items() if self._depends_on(part)},
            **({} if optimizer is None else {"optimizer_code": class_code.identity(optimizer)}),
        }

    @property
    def sent(self) -> dict[str, Any]:
        """The settings as another process needs them, with the whole paths of files."""
        return self.settings | {"task_settings": self.task.model_dump(mode="json", context=WITH_PATHS)}

    def _depends_on(self, part: str) -> bool:
        """Whether the version of a part of the suite is in the signature."""
        fast = self.training.implementation == "fast"
        if part == "recurrent_dropout":
            return fast and bool(getattr(self.model, part, 0))
        return fast or part != "layers"

    @cached_property
    def fingerprint(self) -> str | None:
        """Fingerprint of the data when first read; None if they are absent."""
        task = self.canonical.task
        settings = task.model_dump(mode="json", exclude={"lag", "training_lags", "lead"}, context=WITH_PATHS)
        key = signature.canonical_json([self.settings["task"], settings])
        if key not in self.fingerprints:
            self.fingerprints[key] = task.fingerprint()
        return self.fingerprints[key]

    @cached_property
    def signature(self) -> str:
        """The run's identity in every store: a hash of settings and data, independent of labels and order."""
        return signature.digest(self._hashed | {"data": self.fingerprint})

    @cached_property
    def settings_signature(self) -> str:
        """The signature without the data, to find runs where the data are absent."""
        return signature.digest(self._hashed)

    @cached_property
    def question(self) -> str:
        """A digest of the settings alone: the same whatever version of the code answers, on whatever data.

        Settings do not tell files of the user's apart, so their content counts.
        """
        asked = {name: value for name, value in self._hashed.items() if name not in _OF_CODE}
        own = {"data": self.fingerprint} if isinstance(self.task, OwnFileTask) else {}
        return signature.digest(asked | own)

    @property
    def code(self) -> str:
        """A digest of the code that the signature holds."""
        return signature.digest({name: self.settings.get(name) for name in _OF_CODE})

    @cached_property
    def _hashed(self) -> dict[str, Any]:
        parts = {"task_settings": self.canonical.task, "model_settings": self.canonical.model}
        parts |= {"training": self.training, "gradients": self.gradients}
        return self.settings | {name: signature.signed_values(part) for name, part in parts.items()}

    @cached_property
    def skipped(self) -> str | None:
        """Why this run cannot be done, in one line; None if it can. A skipped run is never dispatched or stored.

        Raises `InfeasibleError` if the model's own answer fails, which an experiment reports when it is loaded.
        """
        if self.canonical is not self:
            return self.canonical.skipped
        if not (self.model.causal or self.task.allows_lookahead):
            return _LOOKS_AHEAD
        if self.training.truncate is not None and not isinstance(self.model, RNNModel):
            return _NO_STATES
        return reason_to_skip(self.model, self)

    @property
    def key(self) -> str:
        """What tells the run from others of its grid: its signature, or if it is skipped that without the data."""
        return self.signature if self.skipped is None else self.settings_signature

    def check_current(self) -> None:
        """Raise `UserError` if code or data no longer match the signature, or cannot be read."""
        self.task.check_data()
        for thing in self.classes:
            class_code.check_current(thing)
        task = self.canonical.task
        now = task.fingerprint()
        if now is None:
            data_digest.compute(task)  # raises an error with the cause
            raise UserError(f"tasks.{self.task_label}: fingerprint() reports that the data are absent")
        if now != self.fingerprint:
            raise UserError(
                f"tasks.{self.task_label}: the data have changed since the experiment was loaded, or differ each "
                "time they are read: load the experiment again"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # As plain values: a process that has not loaded the plug-ins cannot unpickle their classes.
        labels = (self.task_label, self.model_label, self.plugins, self.task_axes, self.model_axes, self.log_model)
        homes = [home for thing in self.classes if (home := class_code.module_to_import(thing))]
        return _restored, (self.sent, *labels, homes)


def _any_lag(task: Task) -> Task:
    """The task that stands for it at every lag, under every protocol, and through every filler of the same inputs."""
    at_any = task.model_copy(update={"lag": 1, "training_lags": "fixed", "lead": "none"})
    through_any = at_any.model_copy(update={"filler": task.fillers[0]})
    return through_any if through_any.ports == at_any.ports else at_any


def one_of_each(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """One run for each set of task (at any lag), model class and optimiser: they share code and data."""
    found: dict[tuple[object, ...], RunSpec] = {}
    for spec in specs:
        task = spec.task.model_dump_json(exclude={"lag"})
        found.setdefault((task, *spec.classes), spec)
    return list(found.values())


def series_key(spec: RunSpec, chosen: Collection[str] = ()) -> dict[str, str]:
    """What identifies the series of a run in figures and tables: the columns of `analysis.groups.GROUP`, in order.

    `chosen`: the axes on which each series has a selected value, which is not part of its name.
    """

    def setting(axes: dict[str, Any]) -> str:
        return " ".join(written({key: value for key, value in axes.items() if key not in chosen}))

    return {
        "task": spec.task_label,
        "task_setting": setting(spec.task_axes),
        "source": spec.task.data_source,
        "training_lags": spec.task.training_lags,
        "filler": spec.task.filler,
        "model": spec.model_label,
        "model_setting": setting(spec.model_axes),
    }


def written(axes: dict[str, Any]) -> list[str]:
    """`key=value` of each axis; no value is null, as in the file."""
    return [f"{key}={'null' if value is None else value}" for key, value in axes.items()]


def _restored(
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
                f"module '{home}', which defines a class of the run, cannot be imported: {error}; list it under "
                "'plugins:'"
            ) from error
    training = Training.model_validate(settings["training"])
    return RunSpec(
        task_label=task_label,
        task=registry.tasks[settings["task"]].model_validate_json(json.dumps(settings["task_settings"])),
        model_label=model_label,
        model=registry.models[settings["model"]].model_validate_json(json.dumps(settings["model_settings"])),
        seed=settings["seed"],
        training=training,
        gradients=GradientProbes.model_validate(settings["gradients"]),
        test_lags=tuple(settings["test_lags"]) if "test_lags" in settings else None,
        plugins=plugins,
        task_axes=task_axes,
        model_axes=model_axes,
        log_model=log_model,
        plugin_optimizer=plugin_class(training.optimizer),
    )
