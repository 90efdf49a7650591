"""Where data sets, manually provided files and computed features are stored.

The command line sets the environment variables from its options; workers inherit them.
"""

from __future__ import annotations

import os
from pathlib import Path

from rnnbench.errors import UserError, unwritable


def data_dir() -> Path:
    """Prepared data sets: `TFDS_DATA_DIR`, or TFDS' own default, `~/tensorflow_datasets`."""
    return _from_environment("TFDS_DATA_DIR") or _home() / "tensorflow_datasets"


def manual_dir() -> Path:
    """Files provided manually instead of downloaded: `RNNBENCH_MANUAL_DIR`, or `downloads/manual` in `data_dir()`."""
    return _from_environment("RNNBENCH_MANUAL_DIR") or data_dir() / "downloads" / "manual"


def cache_dir() -> Path:
    """Cached features: `RNNBENCH_CACHE_DIR`, or `rnnbench` in the user's cache directory."""
    own = _from_environment("RNNBENCH_CACHE_DIR")
    return own or (_from_environment("XDG_CACHE_HOME") or _home() / ".cache") / "rnnbench"


def ensure_home() -> None:
    """Set HOME to `cache_dir()` if the user has no home directory.

    Otherwise Keras and TFDS would create a folder `~` in the working directory, and importing MLflow would fail. Raises
    `UserError` if `cache_dir()` cannot be created either.
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
    """Set `data_dir()` and `manual_dir()` for this process and its workers; None leaves one as it is."""
    # Through the environment, because workers inherit it and a run does not depend on paths.
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
