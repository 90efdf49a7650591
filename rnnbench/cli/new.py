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
    """What a plug-in brings."""

    TASK = "task"
    MODEL = "model"


def new(
    kind: Annotated[Kind, typer.Argument(help="What it brings.")],
    name: Annotated[str, typer.Argument(help="Its name in experiment files, such as first_sign.")],
    directory: Annotated[Path, typer.Option("--directory", help="Where to write the two files.")] = Path(),
) -> None:
    """Write a plug-in, NAME.py, and an experiment beside it, NAME.yaml, that run as they are."""
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
