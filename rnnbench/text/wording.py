"""Numbers with nouns."""

from __future__ import annotations


def count_of(number: int, thing: str) -> str:
    """`1 run`, `2 runs`, `1,000 runs`."""
    return f"{number:,} {thing}{'s' * (number != 1)}"
