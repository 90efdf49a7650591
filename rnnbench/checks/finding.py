"""What a check found, beside what it expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One row of the table of `rnnbench validate`."""

    check: str
    """Number and subject: `6 decay per step at initialisation, lstm`."""
    expected: str
    found: str
    tolerance: str
    """Empty where something holds or not."""
    source: str
    passed: bool | None
    """None: could not be checked here, `found` says why."""

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
        return "not checked" if self.passed is None else "passed" if self.passed else "failed"


Checks = dict[str, Callable[[], Iterator[Finding]]]
"""Checks by their subject, in the order in which they run."""
VERDICTS = ("passed", "failed", "not checked")


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings have each verdict."""
    given = [finding.verdict for finding in findings]
    return {verdict: given.count(verdict) for verdict in VERDICTS}


def near(check: str, expected: float, found: float, tolerance: float, source: str) -> Finding:
    """`found` lies within `tolerance` of `expected`."""
    decimals = math.ceil(-math.log10(tolerance)) + 1
    aim, reached = (f"{round(float(value), decimals):.12g}" for value in (expected, found))
    return Finding(check, aim, reached, f"±{tolerance:g}", source, bool(abs(found - expected) <= tolerance))


def equal(check: str, expected: object, found: object, source: str) -> Finding:
    """`found` is `expected`."""
    return Finding(check, str(expected), str(found), "exact", source, bool(expected == found))


def at_most(check: str, limit: float, found: float, source: str) -> Finding:
    """`found` is no larger than `limit`; an error that should be 0 is one of these."""
    return Finding(check, f"≤ {limit:g}", f"{found:.4g}", "bound", source, found <= limit)


def at_least(check: str, limit: float, found: float, source: str) -> Finding:
    """`found` is no smaller than `limit`."""
    return Finding(check, f"≥ {limit:g}", f"{found:.4g}", "bound", source, found >= limit)


def between(check: str, low: float, high: float, found: float, source: str) -> Finding:
    """`found` lies in [low, high]."""
    return Finding(check, f"{low:g} to {high:g}", f"{found:.4g}", "bound", source, low <= found <= high)
