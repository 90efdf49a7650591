"""What a view prints."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


def shown(what: RenderableType, width: int) -> str:
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, highlight=False).print(what)
    return text.getvalue()
