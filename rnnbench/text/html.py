"""HTML for notebooks: tables that a notebook styles as it styles those of pandas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html_table(head: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table of plain values; the first column names the rows."""
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    top = "".join(f'<th scope="col" style="text-align: left">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{_row(row)}</tr>" for row in rows)
    return f"<table>{named}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def paragraph(text: str, strong: str = "") -> str:
    """A line of text, after a word or two in bold."""
    return f"<p>{f'<b>{escape(strong)}</b> ' if strong else ''}{escape(text)}</p>"


def _row(row: Sequence[object]) -> str:
    first, *others = (escape(str(value)) for value in row)
    cells = "".join(f'<td style="text-align: left">{value}</td>' for value in others)
    return f'<th scope="row" style="text-align: left">{first}</th>{cells}'
