"""Experiments that come with the package and go by their bare name: `rnnbench run quickstart`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rnnbench.errors import UserError
from rnnbench.registry import did_you_mean

_FOLDER = Path(__file__).parent
NAMES = sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def located(file: Path) -> Path:
    """The file that an experiment argument names: `file` itself, or for a bare name the experiment of that name.

    A file `NAME` or `NAME.yaml` in the working directory goes before one that ships. Raises `UserError` for a bare name
    that names nothing.
    """
    name = str(file)
    if not re.fullmatch(r"[\w-]+", name) or os.path.isfile(name):
        return file
    if os.path.isfile(f"{name}.yaml"):
        return Path(f"{name}.yaml")
    if name in NAMES:
        return _FOLDER / f"{name}.yaml"
    if os.path.exists(name):
        return file
    shipped = f"the shipped experiments are: {', '.join(NAMES)}"
    raise UserError(f"{name}: no such file, and no experiment ships by that name{did_you_mean(name, NAMES)}; {shipped}")
