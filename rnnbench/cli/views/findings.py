"""What `rnnbench validate` shows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from rnnbench.checks.finding import Finding, counts
from rnnbench.cli.tables import PlainTable, fits

_VERDICTS = {
    "passed": Text("passed", style="green"),
    "failed": Text("FAILED", style="bold red"),
    "not checked": Text("not checked", style="yellow"),
}


def findings(found: Sequence[Finding], console: Console) -> Group:
    """Every finding, a row each or two lines where that is too wide for the console, and how many passed."""
    wide = _wide(found)
    counted = counts(found)
    unchecked = f", {counted['not checked']} not checked" if counted["not checked"] else ""
    summary = f"{counted['passed']} passed, {counted['failed']} failed{unchecked}"
    return Group(wide if fits(wide, console) else _narrow(found), Text(summary))


def _wide(found: Sequence[Finding]) -> PlainTable:
    table = PlainTable("", ["check", "expected", "found", "tolerance", "source", "verdict"])
    for one in found:
        table.add_row(one.check, one.expected, one.found, one.tolerance, one.source, _VERDICTS[one.verdict])
    return table


def _narrow(found: Sequence[Finding]) -> Table:
    lines = Table.grid(padding=(0, 2, 0, 0))
    for one in found:
        source = f"; {one.source}" if one.source else ""
        tolerance = f", {one.tolerance}" if one.tolerance else ""
        detail = f"expected {one.expected}, found {one.found}{tolerance}{source}"
        lines.add_row(_VERDICTS[one.verdict], Text.assemble(f"{one.check}\n", (detail, "dim")))
    return lines
