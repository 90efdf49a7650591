"""Arrays computed once: kept on disk under a key of all that can change them, or in memory until the data change."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rnnbench.datasets import location
from rnnbench.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])


_in_memory: list[Any] = []
_seen: dict[str, str | None] = {}


def in_memory(maxsize: int) -> Callable[[F], F]:
    """`functools.lru_cache` for what is made of a data set's files: it is forgotten when they are found changed."""

    def decorate(function: F) -> F:
        kept = lru_cache(maxsize)(function)
        _in_memory.append(kept)
        return kept  # type: ignore[return-value]

    return decorate


def found(data_set: str, fingerprint: str | None) -> None:
    """Note what a data set holds at this moment; if it held something else before, forget what is in memory."""
    if _seen.setdefault(data_set, fingerprint) != fingerprint:
        for kept in _in_memory:
            kept.cache_clear()
    _seen[data_set] = fingerprint


def cached(name: str, key: Mapping[str, Any], compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of an earlier call with the same name and key, else those that `compute` gives.

    The file appears by an atomic rename, so processes that compute the same at once do no harm; one that cannot be read
    is computed anew. Raises `UserError` if the cache directory cannot be written.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:20]
    path = location.cache_dir() / f"{name}-{digest}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        arrays = compute()
    try:
        _write(path, arrays)
    except OSError as error:
        raise UserError(
            f"cannot write the cache of features {path.parent}: {error.strerror}; "
            "name another directory in RNNBENCH_CACHE_DIR"
        ) from error
    return arrays


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
