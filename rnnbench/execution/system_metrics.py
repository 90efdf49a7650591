"""How busy the machine is while a run goes on, under MLflow's names and behind its switch.

MLflow's own monitors write to the store, which workers do not know; both read `psutil`. GPUs are not measured.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from statistics import fmean
from typing import Any, Self

import psutil

from rnnbench.errors import UserError

SWITCH = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"
INTERVAL = "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"
SAMPLING_SECONDS = 2.0
"""Unless `INTERVAL` says otherwise."""


def switch_on() -> None:
    """Let this process and the workers that it starts log system metrics."""
    os.environ[SWITCH] = "true"


class SystemMetrics:
    """Samples the machine in a thread."""

    def __init__(self) -> None:
        self._samples: list[dict[str, float]] = []
        self._ended = threading.Event()

    @classmethod
    @contextlib.contextmanager
    def sampling(cls) -> Iterator[Self]:
        """Sample until the context ends, if the switch is on. Raises `UserError` if the interval is not a number."""
        machine = cls()
        if os.environ.get(SWITCH, "").lower() in ("true", "1"):
            seconds = _interval()
            threading.Thread(target=machine._go_on, args=(seconds,), name="system metrics", daemon=True).start()
        try:
            yield machine
        finally:
            machine._ended.set()

    def taken(self) -> dict[str, float]:
        """`system/...`: means over the samples since the last call; empty without any."""
        samples, self._samples = self._samples, []
        return {f"system/{name}": fmean(sample[name] for sample in samples) for name in (samples[0] if samples else {})}

    def _go_on(self, seconds: float) -> None:
        before = psutil.net_io_counters()
        # The first call gives 0: there is nothing before it.
        psutil.cpu_percent()
        while not self._ended.wait(seconds):
            self._samples.append(sample(before))


def _interval() -> float:
    said = os.environ.get(INTERVAL) or str(SAMPLING_SECONDS)
    try:
        return float(said)
    except ValueError:
        raise UserError(f"{INTERVAL} is '{said}', not a number of seconds") from None


def sample(before: Any) -> dict[str, float]:
    """How busy the machine is, and what its network has carried since `before`, a value of `psutil.net_io_counters`."""
    memory, disk, network = psutil.virtual_memory(), psutil.disk_usage(os.sep), psutil.net_io_counters()
    return {
        "cpu_utilization_percentage": psutil.cpu_percent(),
        "system_memory_usage_megabytes": memory.used / 1e6,
        "system_memory_usage_percentage": 100 * memory.used / memory.total,
        "disk_usage_megabytes": disk.used / 1e6,
        "disk_usage_percentage": disk.percent,
        "disk_available_megabytes": disk.free / 1e6,
        "network_receive_megabytes": (network.bytes_recv - before.bytes_recv) / 1e6,
        "network_transmit_megabytes": (network.bytes_sent - before.bytes_sent) / 1e6,
    }
