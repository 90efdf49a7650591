"""With what a result is made: versions, machine and commit, each found once and without importing what it names."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

__version__ = "0.1.0"


@cache
def package_version(package: str) -> str | None:
    """The version of an installed package by the name under which it is imported; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        # TensorFlow comes under several names: tensorflow, tensorflow-cpu, ...
        names = metadata.packages_distributions().get(package, ())
        return ", ".join(sorted({metadata.version(name) for name in names})) or None


@cache
def versions() -> dict[str, str]:
    """What the bits of a result depend on, beside the machine."""
    return {"rnnbench": __version__} | {
        package: package_version(package) or "missing" for package in ("tensorflow", "keras", "numpy")
    }


def python() -> str:
    """The version of Python."""
    return platform.python_version()


@cache
def machine() -> str:
    """What the speed of a run depends on: system, cores and processor; neither host name nor path."""
    return f"{system()}, {os.cpu_count()} cores, {processor()}"


def system() -> str:
    """The operating system and the kind of processor that it is for."""
    return f"{platform.system()} {platform.machine()}"


@cache
def processor() -> str:
    """The processor's name; Python itself knows it on few systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown processor")


@cache
def commit() -> str | None:
    """The commit of this code; None where it does not come from a repository of its own."""
    package = Path(__file__).parent
    git = ["git", "-C", str(package)]
    try:
        # An installed copy may lie inside another project's repository, whose commit says nothing of it.
        subprocess.run([*git, "ls-files", "--error-unmatch", "__init__.py"], check=True, capture_output=True)
        found = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
