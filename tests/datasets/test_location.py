from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.datasets import location


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for variable in ("TFDS_DATA_DIR", "RNNBENCH_MANUAL_DIR", "RNNBENCH_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_defaults_are_those_of_tfds_and_of_the_users_cache(home: Path) -> None:
    assert location.data_dir() == home / "tensorflow_datasets"
    assert location.manual_dir() == home / "tensorflow_datasets" / "downloads" / "manual"
    assert location.cache_dir() == home / ".cache" / "rnnbench"


def test_the_environment_decides(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", "~/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert location.data_dir() == home / "data"
    assert location.manual_dir() == home / "data" / "downloads" / "manual"
    assert location.cache_dir() == Path("/caches/rnnbench")
    monkeypatch.setenv("RNNBENCH_MANUAL_DIR", "/by-hand")
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", "/features")
    assert location.manual_dir() == Path("/by-hand")
    assert location.cache_dir() == Path("/features")
