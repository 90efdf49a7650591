"""Where data sets, files put by hand and computed features live.

The command line sets the environment variables from its options; workers inherit them.
"""

from __future__ import annotations

import os
from pathlib import Path


def data_dir() -> Path:
    """Prepared data sets: `TFDS_DATA_DIR`, or `~/tensorflow_datasets` as TFDS itself has it."""
    return _from_environment("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets"


def manual_dir() -> Path:
    """Files put there by hand instead of downloads: `RNNBENCH_MANUAL_DIR`, or `downloads/manual` of `data_dir()`."""
    return _from_environment("RNNBENCH_MANUAL_DIR") or data_dir() / "downloads" / "manual"


def cache_dir() -> Path:
    """Features computed once: `RNNBENCH_CACHE_DIR`, or `rnnbench` in the user's cache directory."""
    users = _from_environment("XDG_CACHE_HOME") or Path.home() / ".cache"
    return _from_environment("RNNBENCH_CACHE_DIR") or users / "rnnbench"


def point_to(data: Path | None, manual: Path | None) -> None:
    """Set the directories of data sets and of files put by hand, for this process and its workers; None: as it is."""
    # By the environment, because the workers inherit it and a path is no part of a run.
    for variable, path in (("TFDS_DATA_DIR", data), ("RNNBENCH_MANUAL_DIR", manual)):
        if path:
            os.environ[variable] = str(path.resolve())


def _from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else None
