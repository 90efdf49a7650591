"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 10_000


class PlainTable(Table):
    """A table without a frame, whose cells are shown as they are, never as markup.

    `words`: headings of the columns of words, to the left; these fold where there is no room. `numbers`: headings of
    the columns of numbers, to the right; these never fold.
    """

    def __init__(self, title: str, words: Sequence[str], numbers: Sequence[str] = ()) -> None:
        heading = Text(title, style="bold") if title else None
        super().__init__(title=heading, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for column in words:
            self.add_column(Text(column), overflow="fold")
        for column in numbers:
            self.add_column(Text(column), justify="right", no_wrap=True)

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def fits(what: RenderableType, console: Console) -> bool:
    """Whether the console is wide enough for it without folding."""
    unbounded = console.options.update(max_width=_UNBOUNDED)
    return Measurement.get(console, unbounded, what).maximum <= console.width
