"""The index of a folder of reports: a README.md and an index.html that list every report with its headline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from rnnbench.errors import unwritable
from rnnbench.experiment.skipped import SKIPPED
from rnnbench.files import write
from rnnbench.report.headlines import REACH
from rnnbench.report.rendering import render, tidy
from rnnbench.text.wording import count_of


@dataclass(frozen=True)
class Entry:
    """One report of the folder."""

    folder: str
    title: str
    description: str
    headline: dict[str, str]
    runs: str
    picture: str | None


class _Manifest(BaseModel):
    """What the index needs of a report's `manifest.json`."""

    title: str
    description: str = ""
    headline: dict[str, str] = {}
    totals: dict[str, int | float | None] = {}


def write_index(folder: Path) -> list[str]:
    """List the reports in the subfolders of `folder` from their manifests; the same reports give the same bytes.

    Returns a line for each report that had to be left out, and one if the index could not be written: no report depends
    on it, so neither is an error.
    """
    found, left_out = entries(folder)
    context = {"entries": found, "reading": REACH}
    try:
        for name in ("README.md", "index.html"):
            write(folder / name, tidy(render(f"{name}.j2", context)))
    except OSError as error:
        left_out.append(f"{folder}: the index of the reports there: {unwritable(error)}")
    return left_out


def entries(folder: Path) -> tuple[list[Entry], list[str]]:
    """The reports in the subfolders of `folder`, by name, and a line for each whose manifest cannot be used."""
    found, left_out = [], []
    for path in _manifests(folder):
        try:
            found.append(_entry(path.parent, _Manifest.model_validate_json(path.read_bytes(), strict=True)))
        except (OSError, ValidationError) as error:
            left_out.append(f"{path} is left out of the index of reports: {_reason(error)}")
    return found, left_out


def _manifests(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*/manifest.json")):
        # A dangling link is a report that has gone; reading a pipe would never end.
        if path.is_file() or path.is_dir():
            yield path


def _reason(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return f"it cannot be read: {error.strerror or error}"
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    return f"it is damaged, or not a report's: {f'{key}: ' if key else ''}{first['msg']}"


def _entry(folder: Path, manifest: _Manifest) -> Entry:
    totals = manifest.totals
    counts = [
        f"{totals[kind]} {kind}" for kind in ("finished", "diverged", "failed", "interrupted") if totals.get(kind)
    ]
    skipped = f"; {totals[SKIPPED]} {SKIPPED}" if totals.get(SKIPPED) else ""
    return Entry(
        folder.name,
        manifest.title,
        manifest.description,
        manifest.headline,
        f"{count_of(int(totals.get('runs') or 0), 'run')}: {', '.join(counts)}{skipped}",
        "figures/overview.svg" if os.path.exists(folder / "figures" / "overview.svg") else None,
    )
