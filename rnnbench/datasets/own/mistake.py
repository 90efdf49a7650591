"""A mistake in a user's file, as one line that begins with the file."""

from __future__ import annotations

from collections.abc import Iterable

from rnnbench.datasets.own.place import shown
from rnnbench.errors import UserError
from rnnbench.registry import did_you_mean

_LISTED = 12


def mistake(path: str, what: str) -> UserError:
    """`sales.csv: line 17, column 'price': 'abc' is not a number`."""
    return UserError(f"{shown(path)}: {what}")


def unknown_column(path: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a column that the file does not have; a few of those it has are listed."""
    known = list(known)
    more = f" and {len(known) - _LISTED:,} more" if len(known) > _LISTED else ""
    listed = ", ".join(known[:_LISTED]) + more
    return mistake(path, f"no column '{name}'{did_you_mean(name, known)}; columns: {listed}")
