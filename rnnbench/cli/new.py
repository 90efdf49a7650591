"""`rnnbench new`."""

from __future__ import annotations

import keyword
import re
from enum import StrEnum
from importlib.resources import files as resources
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from rnnbench.cli import output
from rnnbench.errors import UserError


class Kind(StrEnum):
    """What is written."""

    TASK = "task"
    MODEL = "model"
    EXPERIMENT = "experiment"


def new(
    kind: Annotated[Kind, typer.Argument(help="A plug-in with a task or a model, or an experiment for your own data.")],
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="The name of the task or model in experiment files, such as first_sign; or your file: a table (CSV, "
            "JSON lines, Parquet; .gz), an .npz, or a folder of texts.",
        ),
    ],
    directory: Annotated[Path, typer.Option("--directory", metavar="DIR", help="Where to write.")] = Path(),
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="The experiment to write.  [default: named as your file]")
    ] = None,
) -> None:
    """Write what runs as it is: a plug-in, NAME.py, with an experiment, NAME.yaml; or an experiment for a FILE.

    `rnnbench new experiment sales.csv` looks at the file, says what it takes it for and why, and writes sales.yaml.
    """
    from rnnbench.cli.new_experiment import new_experiment

    if kind is Kind.EXPERIMENT:
        new_experiment(name, directory, out)
    elif out is not None:
        raise UserError(f"--out goes with `new experiment`; for a {kind} use --directory")
    else:
        _new_plugin(kind, name, directory)


def _new_plugin(kind: Kind, name: str, directory: Path) -> None:
    from rnnbench import files

    _check_name(kind, name)
    names = {"name": name, "class_name": "".join(map(str.capitalize, name.split("_")))}
    texts = {
        directory / f"{name}.{suffix}": _template(f"{kind}.{source}").substitute(names)
        for suffix, source in (("py", "py.txt"), ("yaml", "yaml"))
    }
    for path in texts:
        if path.exists():
            raise UserError(f"{path} is there already; choose another name, or move it away")
    written: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            files.write(path, text)
            written.append(path)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UserError(f"cannot write to {directory}: {error.strerror or error}") from error
    plugin, experiment = texts
    output.say(f"Wrote {plugin} and {experiment}. They run as they are; then make them yours:")
    output.say(f"  rnnbench run {experiment}")
    output.say(f"  rnnbench validate {experiment}")


def _check_name(kind: Kind, name: str) -> None:
    from rnnbench import registry

    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(f"'{name}' cannot name a Python module: use small letters, digits and _, such as my_{kind}")
    if name in {Kind.TASK: registry.tasks, Kind.MODEL: registry.models}[kind]:
        raise UserError(f"a {kind} named '{name}' is known already; choose another name")


def _template(name: str) -> Template:
    return Template((resources("rnnbench.cli") / "templates" / name).read_text("utf-8"))
