"""Cores, GPUs and free memory of this machine, found without TensorFlow, which takes 10 s to import."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rnnbench.execution.estimate import worker_bytes
from rnnbench.experiment.run_spec import RunSpec

_CGROUP = Path("/sys/fs/cgroup")


def default_workers(specs: Sequence[RunSpec] = ()) -> tuple[int, str]:
    """How many workers fit this machine, and a line of explanation if memory limits them; else an empty string."""
    wanted = len(gpus()) or max(1, cores() // most_shards(specs))
    need = max(map(worker_bytes, specs), default=0)
    free = free_memory()
    fitting = max(1, int(free // need)) if need else wanted
    if fitting >= wanted:
        return wanted, ""
    return fitting, (
        f"{fitting} worker{'s' * (fitting > 1)} instead of {wanted}: each needs about {need / 1e9:.1f} GB of memory, "
        f"and {free / 1e9:.1f} GB is free"
    )


def most_shards(specs: Sequence[RunSpec]) -> int:
    """Cores that a worker uses for these runs: the most parts in which one of them computes its batches."""
    return max((spec.training.shards for spec in specs), default=1)


def by_shards(specs: Sequence[RunSpec]) -> dict[int, list[RunSpec]]:
    """The runs in groups that a process can do: one that has as many threads as they have shards, see `configure`."""
    counts = sorted({spec.training.shards for spec in specs})
    return {count: [spec for spec in specs if spec.training.shards == count] for count in counts}


def cores() -> int:
    """Physical cores that this process may use."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or 1, usable))


@cache
def gpus() -> list[str]:
    """The available GPUs, as `CUDA_VISIBLE_DEVICES` names them. Untested on machines with GPUs."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name.strip() not in ("", "-1")]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=index", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return []


def free_memory() -> int:
    """Bytes of memory that are still free on this machine, or in its container if that has less."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        pages = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return free  # not in a container, or in one without a limit
    # The inactive file cache counts as used, but the kernel reclaims it on demand.
    return min(free, max(0, limit - used + int(pages.get("inactive_file", 0))))
