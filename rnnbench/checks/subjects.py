"""Whom to hold to their contracts: tasks and models of an experiment at its settings, or all that are registered."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from rnnbench import registry
from rnnbench.checks.contracts.check import Check, NotCheckedError, verdicts
from rnnbench.checks.contracts.models import MODEL_CHECKS
from rnnbench.checks.contracts.points import points_of_class, points_of_tasks
from rnnbench.checks.contracts.sized import Sized, sizes_of_class
from rnnbench.checks.contracts.tasks import TASK_CHECKS
from rnnbench.checks.finding import Checks, Finding
from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec


def is_plug_in(thing: type) -> bool:
    """Whether a registered class is not built in."""
    return not thing.__module__.startswith("rnnbench.")


def of_experiment(experiment: Experiment) -> Checks:
    """The plug-ins that an experiment uses, at its settings; if it uses none, all its tasks and models.

    Each is checked at the first point of its axes; a task at its shortest and longest lag and with each of its fillers.
    """
    runs = experiment.whole_grid  # a model is held to its contract even where it is skipped
    some = any(is_plug_in(type(thing)) for run in runs for thing in (run.task, run.model))
    checks: Checks = {}
    for label in experiment.tasks:
        own = [run for run in runs if run.task_label == label]
        if is_plug_in(type(own[0].task)) or not some:
            checks[f"task {label}"] = partial(_task_of_file, label, own)
    for label in experiment.models:
        first = next(run for run in runs if run.model_label == label)
        if is_plug_in(type(first.model)) or not some:
            checks[f"model {label}"] = partial(_model_of_file, label, first)
    used = {type(thing) for run in runs for thing in (run.task, run.model)}
    return checks | {
        f"{kind} {name}": partial(_unused, f"{kind} {name}")
        for kind, name, thing in _registered()
        if thing not in used and _brought_by(experiment, thing)
    }


def _brought_by(experiment: Experiment, thing: type) -> bool:
    """Whether one of the experiment's own plug-ins registered a class."""
    module = thing.__module__
    file = getattr(sys.modules.get(module), "__file__", None)
    return any(plugin == file or module == plugin or module.startswith(f"{plugin}.") for plugin in experiment.plugins)


def of_registered(wanted: Callable[[type], bool], probes_are_checked: bool = False) -> Checks:
    """Each registered class that is `wanted`, at the settings that it takes by default.

    `probes_are_checked`: whether check 4 takes the finite differences of their gradient probes, so that they are not
    taken again.
    """
    checks: Checks = {}
    for kind, name, thing in _registered():
        if wanted(thing):
            check = partial(_task_of_class, name, thing)
            if kind == "model":
                check = partial(_model_of_class, name, thing, probes_are_checked)
            checks[f"{kind} {name}"] = check
    return checks


def _registered() -> Iterator[tuple[str, str, Any]]:
    for name in registry.tasks:
        yield "task", name, registry.tasks[name]
    for name in registry.models:
        yield "model", name, registry.models[name]


def _task_of_file(label: str, runs: list[RunSpec]) -> Iterator[Finding]:
    first = runs[0]
    tasks = [run.task for run in runs if run.task_axes == first.task_axes]

    def points() -> Any:
        first.task.check_data()
        return points_of_tasks(tasks, first.training.batch_size)

    yield from _judged(f"task {label}", TASK_CHECKS, points)


def _model_of_file(label: str, run: RunSpec) -> Iterator[Finding]:
    yield from _judged(f"model {label}", MODEL_CHECKS, lambda: (Sized(run.model),))


def _task_of_class(name: str, task_class: Any) -> Iterator[Finding]:
    yield from _judged(f"task {name}", TASK_CHECKS, lambda: points_of_class(task_class))


def _model_of_class(name: str, model_class: Any, probe_is_checked: bool) -> Iterator[Finding]:
    yield from _judged(f"model {name}", MODEL_CHECKS, lambda: sizes_of_class(model_class, probe_is_checked))


def _unused(subject: str) -> Iterator[Finding]:
    yield _finding(subject, "kept", "not checked: no task or model of the file uses it", None)


def _judged(subject: str, checks: Iterable[Check[Any]], made: Callable[[], Any]) -> Iterator[Finding]:
    try:
        judged = made()
    except (NotCheckedError, UserError) as error:
        yield _finding(subject, "kept", f"not checked: {error}", None)
        return
    for verdict in verdicts(checks, judged):
        yield _finding(f"{subject}: {verdict.check}", verdict.asks, verdict.found, verdict.kept)


def _finding(check: str, expected: str, found: str, kept: bool | None) -> Finding:
    return Finding(check, expected, found, "", "contract", kept)
