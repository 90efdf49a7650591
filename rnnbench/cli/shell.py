"""Commands that can be pasted into the shell."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from rnnbench.text.credentials import masked_command


def program() -> str:
    """How this program was called; it need not be on the PATH, as under `make run`."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m rnnbench"
    return called.name if shutil.which(called.name) else shlex.quote(os.path.relpath(called))


def same_command() -> str:
    """This very command, without `--fresh`, which would start over, and without passwords."""
    return f"{program()} {masked_command(argument for argument in sys.argv[1:] if argument != '--fresh')}"


def store_options(store: Path | None, tracking_uri: str | None) -> str:
    """The options that name a store, as they were given, without passwords."""
    if tracking_uri:
        return f" --tracking-uri {masked_command([tracking_uri])}"
    return f" --store {shlex.quote(str(store))}" if store else ""
