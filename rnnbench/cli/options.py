"""Arguments and options that several commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli import completion

ExperimentFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="The experiment file (YAML), or the name of one that ships: quickstart.",
        autocompletion=completion.experiment_files,
    ),
]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a value of the file, e.g. `--set training.steps=500`.",
        autocompletion=completion.overrides,
    ),
]
Last = Annotated[bool, typer.Option("--last", help="Use the overrides of the last `run` of this file too.")]
Store = Annotated[Path | None, typer.Option(metavar="DIR", help="Directory of results.  [default: store]")]
TrackingUri = Annotated[
    str | None,
    typer.Option(metavar="URI", help="An MLflow server to use instead; or set `MLFLOW_TRACKING_URI`."),
]
DataDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Directory of prepared data sets; or set `TFDS_DATA_DIR`.")
]
ManualDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Directory of files downloaded by hand; or set `RNNBENCH_MANUAL_DIR`."),
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Where the report goes.  [default: reports/NAME]")]
Open = Annotated[bool, typer.Option("--open", help="Show it in the web browser.")]
Plugins = Annotated[
    list[str],
    typer.Option("--plugins", metavar="FILE", help="A module or `.py` file of tasks and models; may be repeated."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for another program.")]


def load_plugins(plugins: list[str]) -> None:
    """Load the modules and `.py` files of `--plugins`, files relative to the working directory. Raises `UserError`."""
    from rnnbench import registry

    registry.load_plugins(str(Path(name).resolve()) if name.endswith(".py") else name for name in plugins)
