"""The command line: parsing and printing. Imports neither TensorFlow nor MLflow until a command needs them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from rnnbench import __version__
from rnnbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo

    from rnnbench.execution.base import Executor
    from rnnbench.execution.driver import Tally
    from rnnbench.experiment import Experiment, RunSpec
    from rnnbench.store import Location

app = typer.Typer(
    help="Measure how SimpleRNN, LSTM and GRU cope as the dependency length grows.",
    epilog="Start with: rnnbench run experiments/quickstart.yaml",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

ExperimentFile = Annotated[Path, typer.Argument(metavar="FILE", help="The experiment file (YAML).")]
Overrides = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the file, e.g. `--set training.steps=500`."),
]
Store = Annotated[Path | None, typer.Option(metavar="DIR", help="Directory of results.  [default: store]")]
TrackingUri = Annotated[
    str | None,
    typer.Option(metavar="URI", help="An MLflow server to use instead; also by `MLFLOW_TRACKING_URI`."),
]
DataDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Directory of prepared data sets; also by `TFDS_DATA_DIR`.")
]
ManualDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Directory of files downloaded by hand; also by `RNNBENCH_MANUAL_DIR`."),
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Where the report goes.  [default: reports/NAME]")]


def main() -> None:
    """The `rnnbench` script: a mistake in the input is one line and exit code 2."""
    try:
        app()
    except UserError as error:
        errors.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        console.print(f"rnnbench {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006  (typer copies it)
    store: Store = None,
    tracking_uri: TrackingUri = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Worker processes; 0 runs in this one.  [default: one a core]")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what the store has of these runs and start over.")
    ] = False,
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
    out: Out = None,
) -> None:
    """Run every run of a grid that the store does not have yet, then write the report.

    Runs that are finished are never repeated; runs that failed or were interrupted are tried again. Exit code 1 if a
    run failed, 130 after Ctrl-C.
    """
    from rnnbench.execution.driver import drive
    from rnnbench.progress import GridProgress
    from rnnbench.tracking import Tracker

    experiment, location = _open(file, overrides, store, tracking_uri)
    _point_to_data(data_dir, manual_dir)
    executor = _executor(workers)
    for task in {spec.task.model_copy(update={"lag": 1}): spec.task for spec in experiment.runs}.values():
        task.check_data()
    with Tracker(location, experiment) as tracker:
        if fresh:
            tracker.discard(spec.signature for spec in experiment.runs)
        done = set() if fresh else tracker.finished()
        specs = [spec for spec in experiment.runs if spec.signature not in done]
        _announce(experiment, len(specs), executor.workers)
        page = (out or Path("reports") / experiment.name) / "report.html"
        tally = None
        if specs:
            with GridProgress(specs, executor.workers, console) as progress:
                tally = drive(specs, executor, tracker, progress)
            _summarise(tally, len(specs), file)
            if tally.interrupted:
                raise typer.Exit(130)
        if tally or not page.exists():
            _report(experiment, location, file, overrides, page.parent)
            tracker.log_report(page.parent)
    console.print(f"report:    {page}", soft_wrap=True)
    console.print(f"MLflow UI: {_command()} ui {file}{_where(store, tracking_uri)}", soft_wrap=True)
    if tally and tally.failed:
        raise typer.Exit(1)


@app.command()
def plan(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one a core]")] = None,
) -> None:
    """Say how many runs a file asks for, how large they are, and about how long they take."""
    from rnnbench import experiment_file
    from rnnbench.execution.estimate import seconds
    from rnnbench.execution.local import default_workers
    from rnnbench.progress import duration

    experiment = experiment_file.load(file, overrides)
    workers = workers or default_workers()
    table = _table(
        f"{experiment.name}: {len(experiment.runs)} runs, equal {experiment.match}",
        ["task", "model"],
        ["lag", "units", "parameters", "steps", "runs", "at most"],
    )
    for (task, model), specs in _cells(experiment).items():
        table.add_row(
            task,
            model,
            _span(spec.task.lag for spec in specs),
            _span(spec.model.units for spec in specs),
            _span(spec.model.recurrent_parameters(spec.task.inputs.width) for spec in specs),
            _span(spec.training.steps for spec in specs),
            str(len(specs)),
            duration(sum(map(seconds, specs)) / workers),
        )
    console.print(table)
    sources = ", ".join(sorted({spec.task.data_source for spec in experiment.runs}))
    total = duration(sum(map(seconds, experiment.runs)) / workers)
    console.print(
        f"Data: {sources}. About {total} with {workers} worker{'s' * (workers > 1)} if each run uses its whole budget; "
        "runs that solve their task stop early. A rough estimate: halve or double it."
    )


@app.command()
def status(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006
    store: Store = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Count what the store has of a grid."""
    from collections import Counter

    from rnnbench.stored import statuses

    experiment, location = _open(file, overrides, store, tracking_uri)
    location.check_readable()
    known = statuses(location, experiment.name)
    cells = {
        cell: Counter(known.get(spec.signature, "waiting") for spec in specs)
        for cell, specs in _cells(experiment).items()
    }
    order = ("finished", "diverged", "failed", "interrupted", "running", "waiting")
    states = [state for state in order if any(counts[state] for counts in cells.values())]
    table = _table(f"{experiment.name}: {len(experiment.runs)} runs", ["task", "model"], states)
    for (task, model), counts in cells.items():
        table.add_row(task, model, *(str(counts[state] or "") for state in states))
    console.print(table)


@app.command()
def report(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006
    store: Store = None,
    tracking_uri: TrackingUri = None,
    out: Out = None,
) -> None:
    """Write the report of the runs that the store has: HTML, Markdown, SVG figures, results.csv and a manifest."""
    experiment, location = _open(file, overrides, store, tracking_uri)
    page = _report(experiment, location, file, overrides, out or Path("reports") / experiment.name)
    console.print(f"report: {page}", soft_wrap=True)


@app.command()
def ui(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Land on this experiment's runs.")] = None,
    store: Store = None,
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
) -> None:
    """Open the MLflow UI on the store, on this machine only, and print the address that shows the runs."""
    from rnnbench import experiment_file, mlflow_ui
    from rnnbench.store import Location

    name = experiment_file.load(file).name if file else None
    mlflow_ui.serve(
        Location.resolve(store, tracking_uri), name, port, partial(console.print, markup=False, soft_wrap=True)
    )


@app.command("list")
def list_() -> None:
    """List the tasks and models that are registered, with their settings and defaults."""
    from rnnbench import registry

    for kind, known in (("task", registry.tasks), ("model", registry.models)):
        table = _table(f"{kind}s", [kind, "what it is", "settings and defaults"], [])
        for name in known:
            thing = known[name]
            table.add_row(
                name,
                (thing.__doc__ or "").strip().splitlines()[0],
                ", ".join(_setting(*field) for field in thing.model_fields.items()),
            )
        console.print(table)


@app.command()
def data(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Data sets; all if none is named.")
    ] = None,
    prepare: Annotated[bool, typer.Option("--prepare", help="Download and prepare what is missing.")] = False,
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
) -> None:
    """Show the real data sets: what is there, what is missing, sizes and licences; and prepare them.

    Without network, put a data set's files into the manual directory first.
    """
    from rnnbench.datasets import catalogue

    _point_to_data(data_dir, manual_dir)
    chosen = [catalogue.find(name) for name in names or catalogue.DATA_SETS]
    if prepare:
        from rnnbench.datasets.preparing import prepare as prepare_data_set

        for data_set in chosen:
            prepare_data_set(data_set.name)
    from rnnbench.datasets import location

    table = _table(
        f"data sets in {location.data_dir()}", ["data set", "task", "licence", "state"], ["size", "download"]
    )
    for data_set in chosen:
        found = catalogue.state(data_set.name)
        size = f"{found.bytes / 1e6:,.1f} MB" if found.bytes else ""
        state = f"{found.status}: {found.damage}" if found.damage else found.status
        tasks = ", ".join(catalogue.used_by(data_set.name))
        table.add_row(data_set.name, tasks, data_set.licence, state, size, data_set.download)
    console.print(table)
    missing = [data_set.name for data_set in chosen if catalogue.state(data_set.name).status != "present"]
    if missing:
        console.print(f"Get what is missing with: rnnbench data --prepare {' '.join(missing)}", soft_wrap=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the experiment file, for editors that complete YAML."""
    from rnnbench.schema import experiment_schema

    print(json.dumps(experiment_schema(), indent=2))


def _open(file: Path, overrides: list[str], store: Path | None, uri: str | None) -> tuple[Experiment, Location]:
    from rnnbench import experiment_file
    from rnnbench.store import Location

    return experiment_file.load(file, overrides), Location.resolve(store, uri)


def _point_to_data(data_dir: Path | None, manual_dir: Path | None) -> None:
    # By the environment, because the workers inherit it and a path is no part of a run.
    if data_dir:
        os.environ["TFDS_DATA_DIR"] = str(data_dir.resolve())
    if manual_dir:
        os.environ["RNNBENCH_MANUAL_DIR"] = str(manual_dir.resolve())


def _executor(workers: int | None) -> Executor:
    from rnnbench.execution.in_process import InProcess
    from rnnbench.execution.local import LocalPool, default_workers

    if workers == 0:
        return InProcess()
    return LocalPool(workers or default_workers())


def _report(experiment: Experiment, location: Location, file: Path, overrides: list[str], out: Path) -> Path:
    from rnnbench.report.build import build
    from rnnbench.results import load, provenance

    settings = "".join(f" --set {shlex.quote(override)}" for override in overrides)
    name = file.name if file.is_absolute() else str(file)
    results = load(location, experiment)
    try:
        return build(
            experiment.resolved(),
            results,
            out,
            title=experiment.name,
            description=experiment.description,
            provenance=provenance(location, experiment),
            reproduce=[f"rnnbench run {shlex.quote(name)}{settings}"],
            planned=len(experiment.runs),
        )
    except OSError as error:
        raise UserError(f"{out}: the report cannot be written there: {error.strerror}; choose another --out") from None


def _announce(experiment: Experiment, to_do: int, workers: int) -> None:
    done = len(experiment.runs) - to_do
    skipped = f", {done} finished before" if done else ""
    doing = f"{to_do} to run with {workers} worker{'s' * (workers > 1)}" if to_do else "nothing to run"
    console.print(f"{experiment.name}: {len(experiment.runs)} runs{skipped}, {doing}")


def _summarise(tally: Tally, total: int, file: Path) -> None:
    parts = [f"{tally.finished} finished"]
    parts += [f"{tally.diverged} diverged"] if tally.diverged else []
    parts += [f"{len(tally.failed)} failed"] if tally.failed else []
    missing = total - tally.finished - tally.diverged - len(tally.failed)
    parts += [f"{missing} not done"] if missing else []
    console.print(", ".join(parts))
    for name, message in tally.failed.items():
        errors.print(f"failed: {name}: {message}", style="red", markup=False, soft_wrap=True)
    if tally.failed or tally.interrupted:
        console.print(f"go on with: {_command()} run {file}", soft_wrap=True)


def _command() -> str:
    """How this program was called, so that what is printed can be pasted: `make run` does not put it on the PATH."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m rnnbench"
    return called.name if shutil.which(called.name) else os.path.relpath(called)


def _where(store: Path | None, tracking_uri: str | None) -> str:
    if tracking_uri:
        return f" --tracking-uri {tracking_uri}"
    return f" --store {store}" if store else ""


def _table(title: str, words: list[str], numbers: list[str]) -> Table:
    """A table without frames, of which names and numbers are never cut."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in words:
        table.add_column(column, no_wrap=column in ("task", "model", "data set"), overflow="fold")
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _cells(experiment: Experiment) -> dict[tuple[str, str], list[RunSpec]]:
    cells: dict[tuple[str, str], list[RunSpec]] = {}
    for spec in experiment.runs:
        cells.setdefault((spec.task_label, spec.model_label), []).append(spec)
    return cells


def _span(values: Iterable[int]) -> str:
    ordered = sorted(set(values))
    return f"{ordered[0]:,}" if len(ordered) == 1 else f"{ordered[0]:,} to {ordered[-1]:,}"


def _setting(name: str, field: FieldInfo) -> str:
    return name if field.is_required() else f"{name}={field.default}"
