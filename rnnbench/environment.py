"""The environment of a result: versions, machine, commit, TensorFlow's variables.

Each is determined once, without importing packages.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

__version__ = "0.1.0"


@cache
def package_version(package: str) -> str | None:
    """The installed version of a package, given its import name; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        # TensorFlow is distributed under several names: tensorflow, tensorflow-cpu, ...
        names = metadata.packages_distributions().get(package, ())
        return ", ".join(sorted({metadata.version(name) for name in names})) or None


@cache
def versions() -> dict[str, str]:
    """Versions on which the bits of a result depend, besides the machine."""
    return {"rnnbench": __version__} | {
        package: package_version(package) or "missing" for package in ("tensorflow", "keras", "numpy")
    }


def python() -> str:
    """The version of Python."""
    return platform.python_version()


@cache
def machine() -> str:
    """What the speed of a run depends on: system, cores and processor, but no host name or path."""
    return f"{system()}, {os.cpu_count()} cores, {processor()}"


def system() -> str:
    """The operating system and the processor architecture."""
    return f"{platform.system()} {platform.machine()}"


@cache
def processor() -> str:
    """The name of the processor, which Python itself knows on few systems."""
    return _of_processor("model name") or platform.processor() or "unknown processor"


@cache
def processor_features() -> str:
    """The extensions of its instruction set that the processor has, as Linux lists them; empty on other systems."""
    return _of_processor("flags") or _of_processor("Features")


def _of_processor(entry: str) -> str:
    """What Linux says of the first processor under the name `entry`; empty if nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(entry)), "")


@cache
def commit() -> str | None:
    """The git commit of this code; None if it is not in its own repository."""
    package = Path(__file__).parent
    git = ["git", "-C", str(package)]
    try:
        # An installed copy may be inside another project's repository, whose commit is irrelevant.
        subprocess.run([*git, "ls-files", "--error-unmatch", "__init__.py"], check=True, capture_output=True)
        found = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def prepare_tensorflow() -> None:
    """Set the environment variables that TensorFlow and Keras read when they are imported, if they are not yet."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
