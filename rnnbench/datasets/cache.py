"""Arrays computed once: on disk, under a key of everything they depend on, or in memory until the data change."""

from __future__ import annotations

import encodings.cp437  # noqa: F401  (zipfile imports it on reading, perhaps after the process has dropped its rights)
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from rnnbench.datasets import location
from rnnbench.errors import UserError, note
from rnnbench.files import replacing

F = TypeVar("F", bound=Callable[..., Any])


_in_memory: list[Any] = []
_last_fingerprint: dict[str, str | None] = {}


def in_memory(maxsize: int) -> Callable[[F], F]:
    """`functools.lru_cache` for values computed from a data set; `forget_if_changed` clears it when the data change."""

    def decorate(function: F) -> F:
        kept = lru_cache(maxsize)(function)
        _in_memory.append(kept)
        return kept  # type: ignore[return-value]

    return decorate


def forget_if_changed(data_set: str, fingerprint: str | None) -> None:
    """Record the current fingerprint of a data set; if it differs from the last one, clear all in-memory caches."""
    if _last_fingerprint.setdefault(data_set, fingerprint) != fingerprint:
        for kept in _in_memory:
            kept.cache_clear()
    _last_fingerprint[data_set] = fingerprint


def cached(name: str, key: Mapping[str, Any], compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The stored arrays of an earlier call with the same name and key, or else the result of `compute`.

    Files are renamed into place atomically, so several processes may compute the same arrays at once. An unreadable
    file is computed again. If the file cannot be written (rights, disk full), every process computes its own, with a
    warning. Raises `UserError` if the cache directory is not a directory.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:20]
    path = location.cache_dir() / f"{name}-{digest}.npz"
    try:
        with path.open("rb") as stored, np.load(stored, allow_pickle=False) as file:
            return dict(file)
    except Exception:  # A damaged archive can raise anything.
        arrays = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except (NotADirectoryError, FileExistsError) as error:
        raise UserError(
            f"cannot write to the cache directory {path.parent}: {error.strerror}; "
            "set RNNBENCH_CACHE_DIR to another directory"
        ) from error
    except OSError as error:
        note(
            f"cannot write {path} ({error.strerror}), so every process computes it again; "
            "set RNNBENCH_CACHE_DIR to another directory"
        )
    return arrays
