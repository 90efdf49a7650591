"""The command line: parsing and printing. Imports neither TensorFlow nor MLflow until a command needs them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from rnnbench import __version__
from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.execution.base import Executor
    from rnnbench.execution.checkpoints import Checkpoints
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

_FOLLOW_SECONDS = 2.0

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
    where: Annotated[
        Literal["local", "ray"], typer.Option("--executor", help="On this machine, or on a Ray cluster.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Head of the Ray cluster; without it one is started on this machine."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what the store has of these runs and start over.")
    ] = False,
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
    out: Out = None,
) -> None:
    """Run every run of a grid that the store does not have yet, then write the report.

    Runs that are finished are never repeated; runs that were interrupted go on where they were; runs that failed are
    tried again. Ctrl-C stops in order, twice at once. Exit code 1 if a run failed, 130 after Ctrl-C, 143 after SIGTERM.
    """
    from rnnbench.execution.driver import drive
    from rnnbench.execution.preparation import to_do, work_place
    from rnnbench.progress import GridProgress
    from rnnbench.stages import needed
    from rnnbench.tracking import Tracker

    if address and where == "local":
        raise UserError("--address names a Ray cluster: add --executor ray")
    if workers == 0 and where == "ray":
        raise UserError("--workers 0 runs in this process: leave --executor ray out")
    experiment, location = _open(file, overrides, store, tracking_uri)
    _point_to_data(data_dir, manual_dir)
    checkpoints, leases = work_place(experiment, location, store)
    for task in {spec.task.model_copy(update={"lag": 1}): spec.task for spec in experiment.runs}.values():
        task.check_data()
    # Before anything is written, because it may not be there.
    cluster = _ray(workers, checkpoints, address) if where == "ray" else None
    with Tracker(location, experiment) as tracker, leases:
        page = (out or Path("reports") / experiment.name) / "report.html"
        tally, failed = None, False
        waiting = to_do(experiment, tracker, leases, checkpoints, fresh)
        specs = needed(experiment, location, waiting)
        executor = cluster or _local(workers, specs, checkpoints)
        _announce(experiment, len(waiting), len(specs), executor.workers)
        while specs:
            with GridProgress(specs, executor.workers, console) as progress:
                tally = drive(
                    specs, executor, tracker, progress, leases=leases, checkpoints=checkpoints, say=progress.say
                )
            _summarise(tally, len(specs))
            if tally.signal:
                raise typer.Exit(128 + tally.signal)
            failed = failed or bool(tally.failed)
            if tally.elsewhere:
                raise typer.Exit(1 if failed else 0)
            # What is evaluated may depend on what the seeds that choose have found.
            attempted = {spec.signature for spec in specs}
            waiting = [spec for spec in waiting if spec.signature not in attempted]
            specs = needed(experiment, location, waiting)
            if specs:
                cluster = _ray(workers, checkpoints, address) if cluster else None
                executor = cluster or _local(workers, specs, checkpoints)
                console.print(f"learning rates chosen: {len(specs)} to evaluate")
        if tally or not page.exists():
            _report(experiment, location, file, overrides, page.parent)
            tracker.log_report(page.parent)
    console.print(f"report:    {page}", soft_wrap=True)
    console.print(f"MLflow UI: {_command()} ui {file}{_where(store, tracking_uri)}", soft_wrap=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def plan(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one a core]")] = None,
) -> None:
    """Say how many runs a file asks for, how large they are, and about how long they take."""
    from rnnbench import experiment_file, terminal
    from rnnbench.execution.estimate import seconds
    from rnnbench.execution.machine import default_workers
    from rnnbench.progress import duration
    from rnnbench.stages import planned

    experiment = experiment_file.load(file, overrides)
    workers = workers or default_workers(experiment.runs)[0]
    table = terminal.table(
        f"{experiment.name}: {len(experiment.runs)} runs, equal {experiment.match}",
        ["task", "model"],
        ["lag", "units", "parameters", "steps", "runs", "at most"],
    )
    for (task, model), specs in terminal.cells(experiment).items():
        table.add_row(
            task,
            model,
            terminal.span(spec.task.lag for spec in specs),
            terminal.span(spec.model.units for spec in specs),
            terminal.span(spec.model.recurrent_parameters(spec.task.inputs.width) for spec in specs),
            terminal.span(spec.training.steps for spec in specs),
            str(len(specs)),
            duration(sum(map(seconds, specs)) / workers),
        )
    console.print(table)
    if planned(experiment) < len(experiment.runs):
        console.print(f"Only {planned(experiment)} of them will be done: the seeds to evaluate run at chosen rates.")
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
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show it anew until nothing runs any more.")] = False,
) -> None:
    """Count what the store has of a grid, and show what is going on."""
    from rich.live import Live

    from rnnbench import terminal
    from rnnbench.execution.preparation import work_place
    from rnnbench.status import look

    experiment, location = _open(file, overrides, store, tracking_uri)
    location.check_readable()
    _, leases = work_place(experiment, location, store)
    found = look(experiment, location, leases)
    if not follow:
        console.print(terminal.grid_status(experiment, found))
        return
    with Live(terminal.grid_status(experiment, found), console=console, auto_refresh=False) as live:
        while found.running:
            time.sleep(_FOLLOW_SECONDS)
            found = look(experiment, location, leases)
            live.update(terminal.grid_status(experiment, found), refresh=True)


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
    from rnnbench import registry, terminal

    for kind, known in (("task", registry.tasks), ("model", registry.models)):
        table = terminal.table(f"{kind}s", [kind, "what it is", "settings and defaults"], [])
        for name in known:
            thing = known[name]
            table.add_row(
                name,
                (thing.__doc__ or "").strip().splitlines()[0],
                ", ".join(terminal.setting(*field) for field in thing.model_fields.items()),
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
    from rnnbench import terminal
    from rnnbench.datasets import catalogue

    _point_to_data(data_dir, manual_dir)
    chosen = [catalogue.find(name) for name in names or catalogue.DATA_SETS]
    if prepare:
        from rnnbench.datasets.preparing import prepare as prepare_data_set

        for data_set in chosen:
            prepare_data_set(data_set.name)
    from rnnbench.datasets import location

    table = terminal.table(
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
def validate(
    full: Annotated[bool, typer.Option("--full", help="Also what must be trained first; takes minutes.")] = False,
    plugins: Annotated[
        list[str],
        typer.Option("--plugins", metavar="FILE", help="A module or `.py` file of tasks and models to check too."),
    ] = [],  # noqa: B006
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
) -> None:
    """Check what is measured against known figures, exact bounds and contracts, plug-ins included.

    Prints what was expected, found, and where that comes from. Exit code 1 if a check failed.
    """
    from rnnbench import registry
    from rnnbench.checks.validate import validate as run_checks

    _point_to_data(data_dir, manual_dir)
    registry.load_plugins(str(Path(name).resolve()) if name.endswith(".py") else name for name in plugins)
    if not run_checks(console, full):
        raise typer.Exit(1)


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


def _ray(workers: int | None, checkpoints: Checkpoints, address: str | None) -> Executor:
    from rnnbench.execution.ray import RayExecutor

    return RayExecutor(address, checkpoints, workers, warn=partial(console.print, markup=False, soft_wrap=True))


def _local(workers: int | None, specs: list[RunSpec], checkpoints: Checkpoints) -> Executor:
    from rnnbench.execution.in_process import InProcess
    from rnnbench.execution.local import LocalPool
    from rnnbench.execution.machine import default_workers

    if workers == 0:
        return InProcess(checkpoints)
    if workers is None:
        workers, note = default_workers(specs)
        if note:
            console.print(note, soft_wrap=True)
    return LocalPool(workers, checkpoints)


def _report(experiment: Experiment, location: Location, file: Path, overrides: list[str], out: Path) -> Path:
    from rnnbench.report.build import build
    from rnnbench.results import load, provenance
    from rnnbench.stages import planned

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
            planned=planned(experiment),
        )
    except OSError as error:
        raise UserError(f"{out}: the report cannot be written there: {error.strerror}; choose another --out") from None


def _announce(experiment: Experiment, waiting: int, to_do: int, workers: int) -> None:
    from rnnbench.stages import planned

    done = len(experiment.runs) - waiting
    skipped = f", {done} finished before" if done else ""
    doing = f"{to_do} to run with {workers} worker{'s' * (workers > 1)}" if to_do else "nothing to run"
    then = ", then those to evaluate" if 0 < to_do < planned(experiment) - done else ""
    console.print(f"{experiment.name}: {planned(experiment)} runs{skipped}, {doing}{then}")


def _summarise(tally: Tally, total: int) -> None:
    parts = [f"{tally.finished} finished"]
    parts += [f"{tally.diverged} diverged"] if tally.diverged else []
    parts += [f"{len(tally.failed)} failed"] if tally.failed else []
    parts += [f"{tally.done_elsewhere} done by another `rnnbench run`"] if tally.done_elsewhere else []
    missing = total - tally.finished - tally.diverged - len(tally.failed) - tally.done_elsewhere - tally.elsewhere
    parts += [f"{missing} not done"] if missing else []
    console.print(", ".join(parts))
    if tally.elsewhere:
        runs = "1 run is" if tally.elsewhere == 1 else f"{tally.elsewhere} runs are"
        console.print(f"{runs} being done by another `rnnbench run`, which will write the report", soft_wrap=True)
    for name, message in tally.failed.items():
        errors.print(f"failed: {name}: {message}", style="red", markup=False, soft_wrap=True)
    if tally.failed or tally.signal:
        same = shlex.join(argument for argument in sys.argv[1:] if argument != "--fresh")
        console.print(f"go on with: {_command()} {same}", markup=False, soft_wrap=True)


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
