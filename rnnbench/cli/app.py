"""The command line: which commands there are, and how each of them ends.

A command is a module of this package. It imports what it needs when it is called, so that `rnnbench --help` answers at
once.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from rnnbench import console
from rnnbench.cli import output
from rnnbench.cli.bench import bench
from rnnbench.cli.data import data
from rnnbench.cli.export import export
from rnnbench.cli.generate import generate
from rnnbench.cli.import_ import import_
from rnnbench.cli.list import list_
from rnnbench.cli.new import new
from rnnbench.cli.plan import plan
from rnnbench.cli.report import report
from rnnbench.cli.run import run
from rnnbench.cli.schema import schema
from rnnbench.cli.show import show
from rnnbench.cli.status import status
from rnnbench.cli.ui import ui
from rnnbench.cli.validate import validate
from rnnbench.environment import __version__
from rnnbench.errors import UserError, notes_sent_to

app = typer.Typer(
    help="Measure how SimpleRNN, LSTM and GRU cope as the dependency length grows.",
    epilog="Start with: rnnbench run quickstart",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# In the order of the help.
app.command()(run)
app.command()(plan)
app.command()(status)
app.command()(report)
app.command()(export)
app.command("import")(import_)
app.command()(ui)
app.command("list")(list_)
app.command()(show)
app.command()(generate)
app.command()(data)
app.command()(bench)
app.command()(validate)
app.command()(new)
app.command()(schema)

UsageError: Any = typer.BadParameter.__base__
"""What Typer raises for options and arguments that do not fit; it has no public name there."""
_SIGPIPE = 128 + 13
_MAKING = {"run", "report", "export", "import", "bench", "ui", "new"}
"""Commands that do more than print."""


def main() -> None:
    """The `rnnbench` script. Any mistake in the input is one line on standard error and exit code 2.

    Where the output cannot be written the work goes on. The exit code is then 141 if the reader went away, else 1 for a
    command that only prints.
    """
    with console.surviving() as written, notes_sent_to(output.say_note):
        code = _exit_code()
    if not code and written.reader_left:
        code = _SIGPIPE
    elif not code and written.lost and not _MAKING & set(sys.argv[1:2]):
        code = 1
    sys.exit(code)


def _exit_code() -> int:
    """Run the command that `sys.argv` names; its exit code."""
    try:
        return app(standalone_mode=False) or 0
    except UserError as error:
        message = str(error)
    except UsageError as error:
        if not error.format_message():
            return 2  # no command was given, and the help is shown
        # The context of an error names the command: `rnnbench plan`.
        called = error.ctx.command_path if error.ctx else "rnnbench"
        message = f"{error.format_message().rstrip('.')}; see `{called} --help`"
    except typer.Abort:
        return 130
    output.say_error(message)
    return 2


def _version(wanted: bool) -> None:
    if wanted:
        output.say(f"rnnbench {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
