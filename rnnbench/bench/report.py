"""reports/benchmark/: a folder for each kind of processor, where new rows join earlier ones from the same machine."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from rnnbench import environment, files
from rnnbench.bench import buffers, page, table
from rnnbench.bench.figure import figures
from rnnbench.bench.process import usable_cores
from rnnbench.errors import UserError
from rnnbench.text import strict_json

_PACKAGES = ("tensorflow", "keras", "jax", "torch", "numpy")
FILES = {
    "steps.csv": (table.COLUMNS, table.PROBLEM),
    "cells.csv": (table.COLUMNS, table.PROBLEM),
    "lengths.csv": (table.COLUMNS, table.PROBLEM),
    "buffers.csv": (buffers.COLUMNS, table.PROBLEM),
    "memory.csv": ([*table.PROBLEM, "peer", "status", "peak_mib"], table.PROBLEM),
}
"""The tables of the report: their columns, and those that name a row."""

Tables = dict[str, pd.DataFrame]


def machine() -> dict[str, str]:
    """What times and memory depend on besides the code; neither host name nor path."""
    import psutil

    known = {
        "processor": environment.processor(),
        "cores": str(len(usable_cores())),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": environment.system(),
        "python": environment.python(),
        "rnnbench": environment.__version__,
    }
    known |= {package: environment.package_version(package) or "not installed" for package in _PACKAGES}
    return known


def folder(out: Path) -> Path:
    """Where in `out` the report of this machine's kind of processor goes."""
    name = re.sub(r"[^a-z0-9]+", "-", machine()["processor"].lower()).strip("-")
    return out / (name or "unknown-processor")


def write(new: Tables, out: Path, say: Callable[[str], None] = lambda line: None) -> Tables:
    """Write benchmark.md, the tables, machine.json and the figures into `out`; returns all tables.

    Earlier rows that were not measured again stay if machine and versions are the same. A damaged file is reported to
    `say` and replaced.
    """
    now = machine()
    try:
        out.mkdir(parents=True, exist_ok=True)
        tables = _joined(new, out, now, say)
        for name, rows in tables.items():
            files.write(out / name, rows.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
        files.write(out / "machine.json", strict_json.dumps(now, indent=2) + "\n")
        drawn = figures(tables["steps.csv"], now["processor"])
        for stale in out.glob("steps-*.svg"):
            stale.unlink()
        for drawing in drawn:
            files.write(out / f"{drawing.name}.svg", drawing.svg())
        files.write(out / "benchmark.md", page.markdown(tables, now, drawn))
    except OSError as error:
        raise UserError(f"{out}: cannot be written there: {error.strerror}; choose another --out") from None
    return tables


def _joined(new: Tables, out: Path, now: dict[str, str], say: Callable[[str], None]) -> Tables:
    same = _is_of(now, out / "machine.json", say)
    tables = {}
    for name, (columns, key) in FILES.items():
        rows = new.get(name, table.frame([], columns))
        path = out / name
        if same and path.exists():
            try:
                rows = table.joined(pd.read_csv(path)[columns], rows, key)
            except (ValueError, KeyError):
                say(f"{path} is damaged: its earlier rows are left out")
        tables[name] = table.ordered(rows)
    return tables


def _is_of(now: dict[str, str], path: Path, say: Callable[[str], None]) -> bool:
    """Whether the earlier rows are from this machine and these versions."""
    if not path.exists():
        return False
    try:
        return bool(json.loads(path.read_bytes()) == now)
    except ValueError:
        say(f"{path} is damaged: earlier rows are left out")
        return False
