"""One run of a grid: resolved, frozen and signed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.experiment.settings import GradientProbes, Implementation, Training
from rnnbench.identity import class_code, signature
from rnnbench.identity.signature import PARTS
from rnnbench.models.base import Model
from rnnbench.tasks import fed
from rnnbench.tasks.base import Task


@dataclass(frozen=True)
class CompileKey:
    """What a compiled network depends on: runs that have it in common share one in a worker."""

    task: Task
    """At lag 1: the network is the same at every lag."""
    model: Model
    """As far as its architecture goes: see `Model.architecture`."""
    batch_size: int
    global_clipnorm: float | None
    window: int
    """Training steps between two evaluations, whose losses and norms are kept."""
    implementation: Implementation


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
    def compile_key(self) -> CompileKey:
        training = self.training
        return CompileKey(
            task=self.task.model_copy(update={"lag": 1}),
            model=self.model.architecture,
            batch_size=training.batch_size,
            global_clipnorm=training.global_clipnorm,
            window=min(training.evaluate_every, training.steps),
            implementation=training.implementation,
        )

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
            "versions": {
                part: PARTS[part] for part in PARTS if part != "layers" or self.training.implementation == "fast"
            },
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


def series_key(spec: RunSpec, chosen: str | None = None) -> dict[str, str]:
    """What names the line of a run in figures and tables, the columns of `analysis.groups.GROUP` in their order.

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
