"""The command line: parsing and printing. Imports neither TensorFlow nor MLflow until a command needs them."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from rnnbench import console as streams
from rnnbench.cli import completion
from rnnbench.cli.bench import bench
from rnnbench.cli.options import DataDir, ExperimentFile, Json, Last, ManualDir, Out, Overrides, Store, TrackingUri
from rnnbench.cli.validate import validate
from rnnbench.environment import __version__
from rnnbench.errors import UserError, notes_told_by
from rnnbench.text import strict_json
from rnnbench.text.credentials import hidden, hidden_command

if TYPE_CHECKING:
    from rnnbench.grid.grid import Grid

app = typer.Typer(
    help="Measure how SimpleRNN, LSTM and GRU cope as the dependency length grows.",
    epilog="Start with: rnnbench run quickstart",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

UsageError: Any = typer.BadParameter.__base__
"""What Typer raises for options and arguments that do not fit; it has no public name there."""
_FOLLOW_SECONDS = 2.0
_SIGPIPE = 128 + 13
_MAKING = {"run", "report", "bench", "ui"}
"""Commands that do more than print."""


def main() -> None:
    """The `rnnbench` script: a mistake in the input, of whatever kind, is one line and exit code 2.

    Where the output cannot be written the work goes on. Exit code 141 then if the reader went away, and 1 of a command
    that does nothing but print.
    """
    with streams.surviving() as output, notes_told_by(_note):
        code = _called()
    if not code and output.reader_left:
        code = _SIGPIPE
    elif not code and output.lost and not _MAKING & set(sys.argv[1:2]):
        code = 1
    sys.exit(code)


def _called() -> int:
    """The exit code of the command that `sys.argv` names."""
    try:
        return app(standalone_mode=False) or 0
    except UserError as error:
        message = str(error)
    except UsageError as error:
        if not error.format_message():
            return 2  # the help was asked for by giving nothing, and is shown
        # The context of an error names the command: `rnnbench plan`.
        called = error.ctx.command_path if error.ctx else "rnnbench"
        message = f"{error.format_message().rstrip('.')}; see `{called} --help`"
    except typer.Abort:
        return 130
    errors.print(f"error: {hidden(message)}", style="red", markup=False, soft_wrap=True)
    return 2


def _note(line: str) -> None:
    errors.print(f"note: {hidden(line)}", markup=False, soft_wrap=True)


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
    last: Last = False,
    store: Store = None,
    tracking_uri: TrackingUri = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Worker processes; 0 runs in this one.  [default: one a core]")
    ] = None,
    where: Annotated[
        str, typer.Option("--executor", help="`local`: on this machine; `ray`: on a Ray cluster.")
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
    from rnnbench.cli import tables as terminal
    from rnnbench.cli.screen import Screen
    from rnnbench.datasets import location
    from rnnbench.execution.executors import executor_factory

    executors = executor_factory(workers, where, address)
    # First, because the experiment is held against the data that are there.
    location.point_to(data_dir, manual_dir)
    grid = _open(file, overrides, store, tracking_uri, last)
    if there := grid.instead():
        _say(there)
    outcome = grid.run(executors, Screen(console, errors), out or Path("reports") / grid.experiment.name, fresh)
    if outcome.headline:
        console.print(terminal.headline(outcome.headline, console))
    if outcome.failed or outcome.signal:
        same = hidden_command(argument for argument in sys.argv[1:] if argument != "--fresh")
        _say(f"go on with: {terminal.command()} {same}")
    if outcome.page:
        if out is None:
            _index(outcome.page.parent.parent)
        _say(f"report:    {outcome.page}")
        _say(f"MLflow UI: {terminal.command()} ui {shlex.quote(str(file))}{terminal.where(store, tracking_uri)}")
    if outcome.signal:
        raise typer.Exit(128 + outcome.signal)
    if outcome.failed:
        raise typer.Exit(1)


@app.command()
def plan(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006
    store: Store = None,
    tracking_uri: TrackingUri = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one a core]")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say how many runs a file asks for, how large they are, and about how long they take.

    The time is judged by what the runs in the store took on a machine like this one; a server is not asked.
    """
    from rnnbench.cli import listings
    from rnnbench.cli import tables as terminal
    from rnnbench.datasets import location
    from rnnbench.execution.machine import default_workers
    from rnnbench.tracking.past import past_runs

    location.point_to(data_dir, None)
    grid = _open(file, overrides, store, tracking_uri, last=False)
    experiment = grid.experiment
    fitting, note = default_workers(experiment.runs)
    past = past_runs(grid.location)
    if as_json:
        _print_json(listings.plan(experiment, workers or fitting, past))
        return
    console.print(terminal.plan(experiment, workers or fitting, past, str(grid.location)))
    if note and workers is None:
        _say(f"Memory: {note}")


@app.command()
def status(
    file: ExperimentFile,
    overrides: Overrides = [],  # noqa: B006
    last: Last = False,
    store: Store = None,
    tracking_uri: TrackingUri = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show it anew until nothing runs any more.")] = False,
    as_json: Json = False,
) -> None:
    """Count what the store has of a grid, and show what is going on."""
    from rich.live import Live

    from rnnbench.cli import listings
    from rnnbench.cli import tables as terminal

    grid = _open(file, overrides, store, tracking_uri, last)
    found, others = grid.status(), grid.others()
    if as_json:
        _print_json(listings.status(grid.experiment, found, others))
        return
    if not (follow and console.is_terminal):
        console.print(terminal.grid_status(grid.experiment, found))
    for other in others:
        _say(f"also there: {other}")
    if not follow:
        return
    with Live(terminal.grid_status(grid.experiment, found), console=console, auto_refresh=False) as live:
        while found.running:
            time.sleep(_FOLLOW_SECONDS)
            found = grid.status()
            live.update(terminal.grid_status(grid.experiment, found), refresh=True)


@app.command()
def report(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Experiment files (YAML).", autocompletion=completion.experiment_files),
    ],
    overrides: Overrides = [],  # noqa: B006
    last: Last = False,
    stores: Annotated[
        list[Path],
        typer.Option("--store", metavar="DIR", help="Directory of results; again for each file.  [default: store]"),
    ] = [],  # noqa: B006
    tracking_uri: TrackingUri = None,
    out: Out = None,
    tasks: Annotated[list[str], typer.Option("--task", metavar="NAME", help="Only this task; may be repeated.")] = [],  # noqa: B006
    models: Annotated[
        list[str], typer.Option("--model", metavar="NAME", help="Only this model; may be repeated.")
    ] = [],  # noqa: B006
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only runs begun since then, e.g. 2026-01-31 (UTC).")
    ] = None,
) -> None:
    """Write the report of the runs that the store has: HTML, Markdown, SVG figures, results.csv and a manifest.

    Several files come into one report, on the same figures: say two initialisations, or one experiment on two machines.
    """
    from rnnbench.report.comparison import Only

    if len(stores) not in (0, 1, len(files)):
        raise UserError(f"{len(stores)} --store for {len(files)} files: give one, or one for each file in their order")
    places = stores if len(stores) == len(files) else [stores[0] if stores else None] * len(files)
    grids = [_open(file, overrides, place, tracking_uri, last) for file, place in zip(files, places, strict=True)]
    only = Only.parse(tasks, models, since)
    usual = len(files) == 1 and only.everything
    if out is None and not usual:
        raise UserError("a report of several files, or of a part, needs a folder of its own: add --out DIR")
    for grid in grids:
        grid.location.check_readable()
        if note := grid.note():
            _say(f"note: {note}")
    # After the stores have answered, because drawing takes a second to import.
    from rnnbench.grid.report import write

    made_by = "" if usual else f"rnnbench {hidden_command(sys.argv[1:])}"
    page = write([grid.source for grid in grids], out or Path("reports") / grids[0].experiment.name, only, made_by)
    if out is None:
        _index(page.parent.parent)
    _say(f"report: {page}")


@app.command()
def ui(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="Land on this experiment's runs.", autocompletion=completion.experiment_files
        ),
    ] = None,
    store: Store = None,
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
) -> None:
    """Open the MLflow UI on the store, on this machine only, and print the address that shows the runs."""
    from rnnbench.experiment import yaml_file as experiment_file
    from rnnbench.tracking import ui as mlflow_ui
    from rnnbench.tracking.location import Location

    name = experiment_file.load(file).name if file else None
    mlflow_ui.serve(Location.resolve(store, tracking_uri), name, port, _say)


@app.command("list")
def list_(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Tasks, models and groups of settings (`training`) to show in full.",
            autocompletion=completion.registered,
        ),
    ] = None,
    plugins: Annotated[
        list[str], typer.Option("--plugins", metavar="FILE", help="A module or `.py` file to list too.")
    ] = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """List tasks, models and groups of settings; of those that are named, every setting with its default."""
    from rnnbench import registry
    from rnnbench.cli import listings
    from rnnbench.cli import tables as terminal

    registry.load_plugins(str(Path(name).resolve()) if name.endswith(".py") else name for name in plugins)
    found = listings.registered(names or [])
    if as_json:
        _print_json(found)
    else:
        console.print(terminal.details(found) if names else terminal.overview(found))


@app.command()
def data(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Data sets; all if none is named.", autocompletion=completion.data_sets
        ),
    ] = None,
    prepare: Annotated[bool, typer.Option("--prepare", help="Download and prepare what is missing.")] = False,
    data_dir: DataDir = None,
    manual_dir: ManualDir = None,
) -> None:
    """Show the real data sets: what is there, what is missing, sizes and licences; and prepare them.

    Without network, put a data set's files into the manual directory first.
    """
    from rnnbench.cli import tables as terminal
    from rnnbench.datasets import catalogue, location

    location.point_to(data_dir, manual_dir)
    chosen = [catalogue.find(name) for name in names or catalogue.DATA_SETS]
    if prepare:
        from rnnbench.datasets.preparing import prepare as prepare_data_set

        for data_set in chosen:
            prepare_data_set(data_set.name)
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
        _say(f"Get what is missing with: {terminal.command()} data --prepare {' '.join(missing)}")


app.command()(bench)
app.command()(validate)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the experiment file, for editors that complete YAML."""
    from rnnbench.experiment.json_schema import experiment_schema

    _print_json(experiment_schema())


def _open(file: Path, overrides: list[str], store: Path | None, uri: str | None, last: bool) -> Grid:
    from rnnbench.experiment import yaml_file as experiment_file
    from rnnbench.grid import remembered
    from rnnbench.grid.grid import Grid
    from rnnbench.tracking.location import Location

    location = Location.resolve(store, uri)
    if last:
        overrides = remembered.with_last(file, overrides, location)
    experiment = experiment_file.load(file, overrides)
    settings = "".join(f" --set {shlex.quote(override)}" for override in overrides)
    name = file.name if file.is_absolute() else str(file)
    return Grid(experiment, location, store, made_by=f"rnnbench run {shlex.quote(name)}{settings}")


def _index(reports: Path) -> None:
    from rnnbench.report.index import write_index

    for line in write_index(reports):
        _note(line)


def _say(line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)


def _print_json(value: Any) -> None:
    # Not by Rich, which would fold long lines.
    print(strict_json.dumps(value, indent=2))
