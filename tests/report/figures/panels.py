"""What stands in the panels of a figure, before it is drawn."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from rnnbench.report.drawing.figure import Figure


def figure(drawn: Any) -> Figure:
    """The only figure."""
    (found,) = [drawn] if isinstance(drawn, Figure) else list(drawn)
    return found


def tables(panel: dict[str, Any]) -> list[pd.DataFrame]:
    """The data of each layer that has its own, as tables."""
    texts = [layer["data"]["values"] for layer in layers(panel) if isinstance(layer.get("data", {}).get("values"), str)]
    return [pd.read_csv(io.StringIO(text)) for text in texts]


def layers(panel: dict[str, Any]) -> list[dict[str, Any]]:
    """All layers, those inside others too."""
    found = []
    for layer in panel.get("layer", []):
        found += [layer, *layers(layer)]
    return found


def with_columns(panel: dict[str, Any], *names: str) -> pd.DataFrame:
    """The first table of a panel that has these columns."""
    return next(table for table in tables(panel) if set(names) <= set(table))


def words(panel: dict[str, Any], column: str) -> set[str]:
    """The texts of a column in all layers."""
    return {str(one) for table in tables(panel) if column in table for one in table[column]}
