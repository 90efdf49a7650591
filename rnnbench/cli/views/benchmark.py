"""What `rnnbench bench` shows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from rnnbench.bench.page import TextTable, brief, cores_text
from rnnbench.bench.run import Row
from rnnbench.cli.tables import PlainTable, fits


def measured_line(rows: Sequence[Row]) -> str:
    """What was just measured, in a line."""
    title = f"{cores_text(rows[0]['cores']).lower()}, {rows[0]['cell']}"
    return f"{title}: {', '.join(map(brief, rows))}"


def benchmark_table(table: TextTable, console: Console) -> PlainTable:
    """A table of the benchmark, without its spare columns where the console is too narrow for them."""
    whole = _laid_out(table)
    return whole if fits(whole, console) else _laid_out(table.narrow())


def _laid_out(table: TextTable) -> PlainTable:
    head = [name.replace(" / ", "\n/ ").replace(", ", ",\n") for name in table.head]
    shown = PlainTable(table.title, head[: table.words], head[table.words :])
    for cells in table.rows:
        shown.add_row(*cells)
    return shown
