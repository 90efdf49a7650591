"""Small files for the tasks that need one, and classes that have them by default, as the contract tests want."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnbench import registry
from rnnbench.tasks.base import Task


def hours(rows: int, seed: int = 0) -> pd.DataFrame:
    """Two columns of a daily cycle and noise, `a` and `b`, with their times."""
    rng = np.random.default_rng(seed)
    day = np.sin(2 * np.pi * np.arange(rows)[:, None] / 24 + rng.uniform(0, 6, 2))
    frame = pd.DataFrame(day + 0.3 * rng.standard_normal((rows, 2)), columns=["a", "b"])
    frame.insert(0, "date", pd.date_range("2020-01-01", periods=rows, freq="h"))
    return frame


def _series(folder: Path) -> dict[str, Any]:
    hours(1500).to_csv(folder / "hours.csv", index=False)
    return {"path": str(folder / "hours.csv"), "time": "date", "look_back": 24, "horizon": 2}


_WRITTEN = {"csv_forecasting": _series}
"""By task: writes a file into a folder, and gives the settings that name it."""


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="own-files-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def settings(name: str) -> dict[str, Any]:
    """What a registered task needs beside its lag: a file of its own, or nothing."""
    return _WRITTEN[name](_folder()) if name in _WRITTEN else {}


@cache
def task_class(name: str) -> type[Task]:
    """The class of a registered task; of one that needs a file, a subclass that has a small one by default."""
    found: type[Task] = registry.tasks[name]
    given = settings(name)
    if not given:
        return found
    fields = {key: found.model_fields[key].annotation for key in given}
    return type(found.__name__, (found,), {"__annotations__": fields, "__module__": __name__, **given})
