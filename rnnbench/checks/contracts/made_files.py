"""Small files for the tasks over a user's own file, so that these are held to their contract without one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.tasks.base import Task
from rnnbench.tasks.csv_forecasting import CsvForecasting
from rnnbench.tasks.table_sequences import TableSequences
from rnnbench.tasks.texts import Texts

_TEXTS, _SEQUENCES, _HOURS = 600, 400, 1500


def settings_with_a_file(task_class: type[Task]) -> dict[str, Any]:
    """Settings of a task, a file that was written for it among them; none for a class that needs no file."""
    return dict(_written(task_class)) if task_class in _WRITERS else {}


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """It goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="rnnbench-")


@cache
def _written(task_class: type[Task]) -> dict[str, Any]:
    return _WRITERS[task_class](Path(_folder().name))


def _texts(folder: Path) -> dict[str, Any]:
    """Words of which some tell the class."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(_TEXTS):
        label = rng.choice(["bad", "good"])
        words = [
            f"{label}{rng.integers(5)}" if rng.random() < 0.3 else f"word{rng.integers(20)}"
            for _ in range(rng.integers(2, 12))
        ]
        rows.append((" ".join(words), label))
    file = folder / "texts.csv"
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(file, index=False)
    return {"path": str(file), "length": 8, "vocabulary": 100, "embedding": 4}


def _table_sequences(folder: Path) -> dict[str, Any]:
    """Sequences of unequal length of which each step says whether its first feature is large."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 7, _SEQUENCES)
    x = rng.normal(size=(int(lengths.sum()), 2))
    frame = pd.DataFrame({"id": np.repeat(np.arange(_SEQUENCES), lengths), "a": x[:, 0], "b": x[:, 1]})
    file = folder / "sequences.csv"
    frame.assign(label=np.where(x[:, 0] > 0, "large", "small")).to_csv(file, index=False)
    return {"path": str(file)}


def _csv_forecasting(folder: Path) -> dict[str, Any]:
    """Two columns of a daily cycle and noise."""
    rng = np.random.default_rng(0)
    hours = np.arange(_HOURS)[:, None]
    values = np.sin(2 * np.pi * hours / 24 + [0, 1]) + 0.3 * rng.standard_normal((_HOURS, 2))
    file = folder / "hours.csv"
    frame = pd.DataFrame(values, columns=["a", "b"], index=pd.date_range("2020-01-01", periods=_HOURS, freq="h"))
    frame.to_csv(file, index_label="date")
    return {"path": str(file), "time": "date", "look_back": 24, "horizon": 2}


_WRITERS: dict[type[Task], Callable[[Path], dict[str, Any]]] = {
    CsvForecasting: _csv_forecasting,
    TableSequences: _table_sequences,
    Texts: _texts,
}
