"""Tables for the terminal: cells are text, numbers are whole."""

from __future__ import annotations

from rich.console import Console

from rnnbench.cli.tables import PlainTable, fits
from tests.cli.views.shown import shown


def test_cells_are_text_and_only_words_are_folded() -> None:
    table = PlainTable("[bold]title", ["[a]"], ["number"])
    table.add_row("one [red]two[/red] three", "1,234,567")
    assert "[bold]title" in shown(table, 80)
    assert "one [red]two[/red] three" in shown(table, 80)
    narrow = shown(table, 26)
    assert "1,234,567" in narrow
    assert "one [red]two[/red] three" not in narrow


def test_what_fits_is_not_folded() -> None:
    table = PlainTable("", ["word"])
    table.add_row("x" * 30)
    assert fits(table, Console(width=40))
    assert not fits(table, Console(width=20))
