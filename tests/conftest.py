"""Fixtures for all tests: a quiet TensorFlow on one thread, and the real data where they are."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from rnnbench.execution.base import quiet_tensorflow

quiet_tensorflow()

# On a busy machine any example may be slow.
settings.register_profile("rnnbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rnnbench")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("TFDS_DATA_DIR"):
        return
    skip = pytest.mark.skip(reason="needs the real data sets: set TFDS_DATA_DIR")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    if "tensorflow" in sys.modules:
        from rnnbench.training import run as training

        # As the workers are, and before any test uses TensorFlow: other threads or kernels give other last bits.
        training.configure(threads=1)
        gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _no_compiled_programs_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNBENCH_XLA_CACHE", str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.fixture(autouse=True)
def _no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
