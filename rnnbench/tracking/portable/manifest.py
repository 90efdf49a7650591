"""`manifest.json` of exported results: which experiments they answer, what made them, and the files beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from rnnbench.errors import UserError
from rnnbench.files import write

NAME = "manifest.json"
FORMAT = 1
"""Raised when older versions could not read the files."""
_KIND = "rnnbench results"


class Asked(BaseModel):
    """An experiment whose results were exported."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    experiment: dict[str, Any]
    """As `experiment.written_out` gives it."""
    command: str
    """What makes the results."""
    provenance: dict[str, str] = {}
    """Versions, commits and machines of its runs, for people; what counts stands with each run."""
    pages: str | None = None
    """What stood before a run's id in the address of its MLflow page."""


class Manifest(BaseModel):
    """What a folder of exported results holds."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: str = _KIND
    format: int = FORMAT
    experiments: list[Asked]
    files: dict[str, str]
    """SHA-256 of each file beside the manifest."""


def find(place: Path) -> Path | None:
    """The folder of results that `place` is, or holds as `data`; None if it is neither."""
    return next((folder for folder in (place / "data", place) if _is_ours(folder)), None)


def read(folder: Path) -> Manifest:
    """The manifest of a folder. Raises `UserError` if it, or a file beside it, is damaged or missing."""
    path = folder / NAME
    try:
        values = json.loads(path.read_bytes())
        if not (isinstance(values, dict) and values.get("kind") == _KIND):
            raise UserError(f"{path}: is not the manifest of exported results")
        if values.get("format") != FORMAT:
            raise UserError(f"{path}: is in format {values.get('format')}; this rnnbench reads {FORMAT}: update it")
        manifest = Manifest.model_validate(values)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise UserError(f"{path}: is damaged ({where}): export the results again") from None
    except ValueError:
        raise UserError(f"{path}: is damaged: it is not JSON; export the results again") from None
    for name, expected in manifest.files.items():
        if _digest(folder / name) != expected:
            raise UserError(f"{folder / name}: is damaged: it is not the file that was exported; export it again")
    return manifest


def write_manifest(folder: Path, experiments: list[Asked], files: list[str]) -> None:
    """Write the manifest of the files that lie in a folder; last, so that it never names what is not there."""
    manifest = Manifest(experiments=experiments, files={name: _digest(folder / name) for name in files})
    write(folder / NAME, manifest.model_dump_json(indent=2) + "\n")


def _is_ours(folder: Path) -> bool:
    try:
        return f'"{_KIND}"' in (folder / NAME).read_text(errors="replace")[:1000]
    except OSError:
        return False


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise UserError(f"{path}: is missing: export the results again") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
