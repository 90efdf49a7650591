"""How busy the machine is while a run goes on: MLflow's own monitors, switched on as MLflow switches them on."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any, Self

SAMPLING_SECONDS = 2.0
"""Unless `MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL` says otherwise."""


def switch_on() -> None:
    """Let this process and the workers that it starts log system metrics: `MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING`."""
    from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING

    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.set(True)


class SystemMetrics:
    """Samples the machine in a thread; without the switch it does nothing, and does not import MLflow."""

    def __init__(self, monitors: list[Any], seconds: float) -> None:
        self.monitors, self._seconds = monitors, seconds
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._sampled = False

    @classmethod
    @contextlib.contextmanager
    def sampling(cls) -> Iterator[Self]:
        """Sample until the context ends."""
        machine = cls(*_monitors())
        thread = threading.Thread(target=machine._sample, name="system metrics", daemon=True)
        if machine.monitors:
            thread.start()
        try:
            yield machine
        finally:
            machine._ended.set()

    def taken(self) -> dict[str, float]:
        """`system/...`: means since the last call, under the names and in the units of MLflow; empty without any."""
        with self._lock:
            if not self._sampled:
                return {}
            means = {
                f"system/{name}": float(value)
                for monitor in self.monitors
                for name, value in monitor.aggregate_metrics().items()
            }
            for monitor in self.monitors:
                monitor.clear_metrics()
            self._sampled = False
            return means

    def _sample(self) -> None:
        while not self._ended.wait(self._seconds):
            with self._lock:
                for monitor in self.monitors:
                    monitor.collect_metrics()
                self._sampled = True


def _monitors() -> tuple[list[Any], float]:
    if os.environ.get("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "").lower() not in ("true", "1"):
        return [], SAMPLING_SECONDS
    from mlflow.environment_variables import MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    monitors = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
    # Without `nvidia-ml-py`, or without a GPU.
    with contextlib.suppress(ImportError, RuntimeError):
        monitors.append(GPUMonitor())
    return monitors, float(MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.get() or SAMPLING_SECONDS)
