"""`rnnbench show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import completion
from rnnbench.cli.options import DataDir, ManualDir, Overrides, Plugins

if TYPE_CHECKING:
    from rnnbench.tasks.base import Task

_LAG = 20
"""The lag of a task that is shown without a file."""
_DATA = {".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".npz"}
_SPLITS = ("train", "validation", "test")


def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="TASK|FILE",
            help="A task by its name, or an experiment file: each of its tasks at the first point of its axes.",
            autocompletion=completion.shown,
        ),
    ],
    overrides: Overrides = [],  # noqa: B006
    split: Annotated[str, typer.Option(metavar="SPLIT", help="train, validation or test.")] = "test",
    count: Annotated[int, typer.Option("-n", min=1, max=100, help="How many examples.")] = 3,
    out: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Write a page (HTML) instead, with pictures.")
    ] = None,
    plugins: Plugins = [],  # noqa: B006
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
) -> None:
    """Show what a network reads and is asked: words, symbols, pictures and curves, step by step.

    Of a task without a file, settings are given by their bare names: `--set lag=50`.
    """
    from rnnbench.cli import output
    from rnnbench.cli.options import load_plugins
    from rnnbench.cli.views.examples import examples as view
    from rnnbench.datasets import location
    from rnnbench.errors import UserError
    from rnnbench.execution.base import quiet_tensorflow
    from rnnbench.files import write
    from rnnbench.registry import did_you_mean
    from rnnbench.showing.example import examples
    from rnnbench.showing.page import page

    if split not in _SPLITS:
        raise UserError(f"--split {split}: unknown split{did_you_mean(split, _SPLITS)}; known: {', '.join(_SPLITS)}")
    location.set_directories(data_dir, manual_dir)
    quiet_tensorflow()
    load_plugins(plugins)
    found = {label: list(examples(task, split, count)) for label, task in _tasks(what, overrides).items()}
    if out is None:
        for place, (label, of_task) in enumerate(found.items()):
            output.stdout.print(*([""] if place else []), view(label, of_task, split), sep="\n")
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(out, page(found, split))
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}; choose another --out") from None
    output.say(f"page: {out}")


def _tasks(what: str, overrides: list[str]) -> dict[str, Task]:
    """By label: a registered task, or the tasks of an experiment file. Raises `UserError`."""
    from rnnbench import registry
    from rnnbench.errors import UserError
    from rnnbench.experiment import shipped, yaml_file

    if what in registry.tasks:
        return {what: _registered(what, overrides)}
    file = Path(what)
    if not (file.exists() or what in shipped.NAMES or file.suffix in (".yaml", ".yml")):
        raise UserError(f"{registry.unknown('task', what, registry.tasks)}; and there is no file of this name")
    if _DATA & {suffix.lower() for suffix in file.suffixes}:
        raise UserError(f"{file}: holds data, not an experiment: write one with `rnnbench new experiment {file}`")
    experiment = yaml_file.load(file, overrides)
    tasks: dict[str, Task] = {}
    for point in experiment.all_points:
        tasks.setdefault(point.task_label, point.task)
    return tasks


def _registered(name: str, overrides: list[str]) -> Task:
    """A registered task at its defaults, or at the first point of the axes that the overrides give it."""
    from rnnbench import registry
    from rnnbench.errors import UserError
    from rnnbench.experiment.expansion import Values, every_point, refuse_unknown
    from rnnbench.experiment.overrides import parse
    from rnnbench.identity.signature import keys

    task_class = registry.tasks[name]
    given: Values = {}
    for override in parse(overrides):
        if len(override.path) > 1:
            raise UserError(f"{override}: of a task give the bare name of a setting: --set {override.path[-1]}=...")
        given[override.path[0]] = (override.value, override.path)
    refuse_unknown(given, set(keys(task_class)), (name,))
    lag: Values = {"lag": (_LAG, ("lag",))}
    task: Task = next(every_point(task_class, lag | given, (name,)))[0]
    return task
