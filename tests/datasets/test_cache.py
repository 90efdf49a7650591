from __future__ import annotations

import os
import stat
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnnbench.datasets.cache import cached
from rnnbench.errors import UserError
from tests.other_user import as_user, only_root, shared_folder


@pytest.fixture
def cache_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Computation:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"a": np.arange(3), "b": np.full((2, 2), 0.5, dtype=np.float32)}


def test_computed_once_for_each_key(cache_dir: Path) -> None:
    compute = Computation()
    first = cached("x", {"bands": 40, "words": ("a", "b")}, compute)
    second = cached("x", {"words": ("a", "b"), "bands": 40}, compute)
    assert compute.calls == 1
    assert all(np.array_equal(first[name], second[name]) for name in ("a", "b"))
    assert second["b"].dtype == np.float32
    cached("x", {"bands": 20, "words": ("a", "b")}, compute)
    assert compute.calls == 2
    assert sorted(file.suffix for file in cache_dir.iterdir()) == [".npz", ".npz"]


def test_a_broken_file_is_computed_anew(cache_dir: Path) -> None:
    compute = Computation()
    cached("x", {}, compute)
    (file,) = cache_dir.iterdir()
    file.write_bytes(file.read_bytes()[:-40])
    assert np.array_equal(cached("x", {}, compute)["a"], np.arange(3))
    assert compute.calls == 2
    cached("x", {}, compute)
    assert compute.calls == 2


def test_a_failed_computation_leaves_nothing(cache_dir: Path) -> None:
    def fail() -> dict[str, np.ndarray]:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        cached("x", {}, fail)
    assert not cache_dir.exists()


def test_a_directory_that_cannot_be_written_is_one_line(cache_dir: Path) -> None:
    cache_dir.write_text("a file where the directory should be")
    with pytest.raises(UserError, match="RNNBENCH_CACHE_DIR") as error:
        cached("x", {}, Computation())
    assert str(cache_dir) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_none_of_ours_is_computed_anew(cache_dir: Path) -> None:
    compute = Computation()
    cached("x", {}, compute)
    (file,) = cache_dir.iterdir()
    damaged = bytearray(file.read_bytes())
    damaged[6] |= 1  # Says that it is encrypted, which raises a `RuntimeError`.
    damaged[damaged.index(b"PK\1\2") + 8] |= 1
    for content in (b"", b"\0" * 1000, b"PK\3\4", bytes(damaged)):
        file.write_bytes(content)
        calls = compute.calls
        assert np.array_equal(cached("x", {}, compute)["a"], np.arange(3))
        assert compute.calls == calls + 1
    assert zipfile.is_zipfile(file)


def test_it_has_the_rights_that_the_umask_gives(cache_dir: Path) -> None:
    before = os.umask(0o027)
    try:
        cached("x", {}, Computation())
    finally:
        os.umask(before)
    (file,) = cache_dir.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache that others may write into."""
    with shared_folder() as folder:
        monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(folder))
        yield folder


def asked_by(uid: int) -> str:
    """What a process of another user gets, how often it computes, and what it is warned of."""

    def ask() -> str:
        compute = Computation()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = cached("x", {}, compute)["a"].tolist()
        return f"{found} {compute.calls} {[str(warning.message).partition(')')[0] for warning in told]}"

    return as_user(uid, ask)


@only_root
@pytest.mark.parametrize("rights", [0o777, 0o1777], ids=["writable", "sticky"])
def test_what_one_user_computed_another_one_reads(shared: Path, rights: int) -> None:
    shared.chmod(rights)
    assert asked_by(20001) == "[0, 1, 2] 1 []"
    assert asked_by(20002) == "[0, 1, 2] 0 []"
    assert len(list(shared.iterdir())) == 1


@only_root
@pytest.mark.parametrize("damage", ["cut off", "unreadable"])
def test_a_file_that_cannot_be_replaced_is_passed_by(shared: Path, damage: str) -> None:
    """A run needs the arrays, not the file."""
    shared.chmod(0o1777)
    asked_by(20001)
    (file,) = shared.iterdir()
    if damage == "cut off":
        os.truncate(file, 100)
    else:
        file.chmod(0o600)
    assert asked_by(20002) == f"[0, 1, 2] 1 ['cannot write {file} (Operation not permitted']"
    assert list(shared.iterdir()) == [file]


@only_root
def test_a_cache_that_others_only_read_is_passed_by(shared: Path) -> None:
    shared.chmod(0o755)
    assert asked_by(20001).startswith("[0, 1, 2] 1 [")
    assert list(shared.iterdir()) == []
