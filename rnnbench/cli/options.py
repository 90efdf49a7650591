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
Last = Annotated[bool, typer.Option("--last", help="With the overrides of the last `run` of this file.")]
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
Json = Annotated[bool, typer.Option("--json", help="As JSON, for another program.")]
