"""Arrays computed once: kept on disk under a key of all that can change them, or in memory until the data change."""

from __future__ import annotations

import encodings.cp437  # noqa: F401  (zipfile looks it up as it reads, maybe after the process gave up its rights)
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
    """`functools.lru_cache` for what is made of a data set's files: it is forgotten when they are found changed."""

    def decorate(function: F) -> F:
        kept = lru_cache(maxsize)(function)
        _in_memory.append(kept)
        return kept  # type: ignore[return-value]

    return decorate


def forget_if_changed(data_set: str, fingerprint: str | None) -> None:
    """Note what a data set holds at this moment; if it held something else before, forget what is in memory."""
    if _last_fingerprint.setdefault(data_set, fingerprint) != fingerprint:
        for kept in _in_memory:
            kept.cache_clear()
    _last_fingerprint[data_set] = fingerprint


def cached(name: str, key: Mapping[str, Any], compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of an earlier call with the same name and key, else those that `compute` gives.

    The file appears by an atomic rename, so processes that compute the same at once do no harm; what cannot be read is
    computed anew. What cannot be kept, because the directory or its disk takes nothing more of this user, is computed
    by every process, with a warning. Raises `UserError` if the cache directory is none.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:20]
    path = location.cache_dir() / f"{name}-{digest}.npz"
    try:
        with path.open("rb") as stored, np.load(stored, allow_pickle=False) as file:
            return dict(file)
    except Exception:  # A damaged archive raises whatever it comes upon.
        arrays = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except (NotADirectoryError, FileExistsError) as error:
        raise UserError(
            f"cannot write the cache of features {path.parent}: {error.strerror}; "
            "name another directory in RNNBENCH_CACHE_DIR"
        ) from error
    except OSError as error:
        note(
            f"{path} cannot be written ({error.strerror}), so every process computes it anew; "
            "name another directory in RNNBENCH_CACHE_DIR"
        )
    return arrays
