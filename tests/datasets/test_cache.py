from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnbench.datasets.cache import cached
from rnnbench.errors import UserError


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
