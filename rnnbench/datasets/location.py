"""Where data sets, files put by hand and computed features live.

The command line sets the environment variables from its options; workers inherit them.
"""

from __future__ import annotations

import os
from pathlib import Path

from rnnbench.errors import UserError, unwritable


def data_dir() -> Path:
    """Prepared data sets: `TFDS_DATA_DIR`, or `~/tensorflow_datasets` as TFDS itself has it."""
    return _from_environment("TFDS_DATA_DIR") or _home() / "tensorflow_datasets"


def manual_dir() -> Path:
    """Files put there by hand instead of downloads: `RNNBENCH_MANUAL_DIR`, or `downloads/manual` of `data_dir()`."""
    return _from_environment("RNNBENCH_MANUAL_DIR") or data_dir() / "downloads" / "manual"


def cache_dir() -> Path:
    """Features computed once: `RNNBENCH_CACHE_DIR`, or `rnnbench` in the user's cache directory."""
    own = _from_environment("RNNBENCH_CACHE_DIR")
    return own or (_from_environment("XDG_CACHE_HOME") or _home() / ".cache") / "rnnbench"


def ensure_home() -> None:
    """Where the user has no home directory, let the libraries that look for one take `cache_dir()`.

    Else Keras and TFDS make a folder `~` in the working directory, and MLflow cannot be imported. Raises `UserError` if
    that has no place either.
    """
    if os.path.expanduser("~") != "~":
        return
    place = cache_dir()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"RNNBENCH_CACHE_DIR {place}: {unwritable(error)}") from None
    os.environ["HOME"] = str(place)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise UserError(_HOMELESS) from None


def set_directories(data: Path | None, manual: Path | None) -> None:
    """Set the directories of data sets and of files put by hand, for this process and its workers; None: as it is."""
    # By the environment, because the workers inherit it and a path is no part of a run.
    for variable, path in (("TFDS_DATA_DIR", data), ("RNNBENCH_MANUAL_DIR", manual)):
        if path:
            os.environ[variable] = str(path.resolve())


def _from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    try:
        return Path(value).expanduser().absolute() if value else None
    except RuntimeError:
        raise UserError(f"{variable}={value}: {_HOMELESS}") from None


_HOMELESS = (
    "this user has no home directory, neither in HOME nor in the list of users: set HOME, or RNNBENCH_CACHE_DIR and "
    "TFDS_DATA_DIR"
)
