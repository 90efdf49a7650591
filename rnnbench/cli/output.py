"""Where commands print: results on standard output, mistakes and notes on standard error."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from rnnbench.text import strict_json
from rnnbench.text.credentials import masked

stdout = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """Print a line as it is: neither marked up nor folded."""
    stdout.print(line, markup=False, soft_wrap=True)


def say_note(line: str) -> None:
    """Print what ends nothing on standard error, without passwords."""
    stderr.print(f"note: {masked(line)}", markup=False, soft_wrap=True)


def say_error(line: str) -> None:
    """Print the mistake that ends a command on standard error, without passwords."""
    stderr.print(f"error: {masked(line)}", style="red", markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print plain values as strict JSON."""
    # Rich would fold long lines.
    print(strict_json.dumps(value, indent=2))
