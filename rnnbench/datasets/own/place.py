"""Where a user's own file or folder is, and what identifies its content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, SerializationInfo, ValidationInfo

from rnnbench.datasets.content import remembered
from rnnbench.errors import UserError
from rnnbench.identity.signature import Unsigned

DIRECTORY = "directory"
"""The key of a validation context: the folder to which relative paths refer; without it the working directory."""
WITH_PATHS = {"paths": True}
"""The context of a serialization for another process: whole paths. Elsewhere stands the file's name alone."""


def _located(path: str, info: ValidationInfo) -> str:
    directory = (info.context or {}).get(DIRECTORY, "")
    return os.path.abspath(os.path.join(directory, os.path.expanduser(path)))


def _written(path: str, info: SerializationInfo) -> str:
    return path if (info.context or {}).get("paths") else PurePath(path).name


DataFile = Annotated[str, AfterValidator(_located), PlainSerializer(_written, when_used="json"), Unsigned()]
"""A setting that names a file or folder of the user's; relative to the experiment file. Held as an absolute path.

Signatures hold its content, reports and exports its name.
"""


def check(path: str) -> None:
    """Raise `UserError` unless there is something to read."""
    try:
        if os.path.isdir(path):
            if not any(_files(Path(path))):
                raise UserError(f"{shown(path)}: the folder holds no files")
        elif not os.path.exists(path):
            raise UserError(f"{shown(path)}: no such file or folder")
        elif not os.path.isfile(path):
            raise UserError(f"{shown(path)}: is neither a file nor a folder")
        elif os.path.getsize(path) == 0:
            raise UserError(f"{shown(path)}: is empty")
        elif not os.access(path, os.R_OK):
            raise UserError(f"{shown(path)}: cannot be read: no permission")
    except (OSError, ValueError) as error:
        raise UserError(f"{shown(path)}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def fingerprint(path: str) -> str | None:
    """Digest of the content of a file, or of the names and contents in a folder; None if there is nothing to read.

    Nothing is read twice: digests are remembered by the sizes and times of the files.
    """
    place = Path(path)
    try:
        check(path)
        files = list(_files(place)) if place.is_dir() else [place]
        return remembered(files, lambda: _digest(place, files))
    except (UserError, OSError):
        return None


def _files(folder: Path) -> Iterator[Path]:
    """The files in a folder and its subfolders, in the order of their names; hidden ones left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def _digest(place: Path, files: list[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").hexdigest()
        # The names in a folder count, since they may be its classes; its own does not.
        found.update(f"{file.relative_to(place) if file != place else ''} {content}\n".encode())
    return found.hexdigest()[:16]


def shown(path: str) -> str:
    """A path in messages: relative to the working directory where it lies below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def names(value: Any) -> Any:
    """A setting as the file has it, a path or a list of them, with their names alone."""
    return [names(one) for one in value] if isinstance(value, list | tuple) else PurePath(value).name
