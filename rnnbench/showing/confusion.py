"""A confusion matrix as numbers and as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.showing.colours import PAPER
from rnnbench.showing.drawing import svg, text

_CELL, _LEFT, _TOP = 44, 120, 96


def recalls(counts: Sequence[Sequence[int]]) -> list[float]:
    """For each class the share of its examples that were answered right; NaN for a class without any."""
    return [row[at] / sum(row) if sum(row) else math.nan for at, row in enumerate(counts)]


def confusion_picture(confusion: Mapping[str, Any]) -> str:
    """A row for each right class, a column for each answer, each cell with its count and as dark as its share (SVG)."""
    names, counts = list(confusion["classes"]), confusion["counts"]
    shares = recalls(counts)
    parts = [text(_LEFT, _TOP - 34, "answered", PAPER), text(_LEFT - 8, _TOP - 8, "right class", PAPER, anchor="end")]
    for at, name in enumerate(names):
        middle = _LEFT + (at + 0.5) * _CELL
        parts.append(text(middle, _TOP - 8, _short(name, 6), PAPER, anchor="middle"))
        parts.append(text(_LEFT - 8, _TOP + (at + 0.6) * _CELL, _short(name, 16), PAPER, anchor="end"))
        recall = "–" if math.isnan(shares[at]) else f"{shares[at]:.2f}"
        end = _LEFT + len(names) * _CELL
        parts.append(text(end + 12, _TOP + (at + 0.6) * _CELL, recall, PAPER, colour="ink"))
        whole = sum(counts[at])
        parts += [_cell(at, other, count, count / whole if whole else 0.0) for other, count in enumerate(counts[at])]
    parts.append(text(_LEFT + len(names) * _CELL + 12, _TOP - 8, "recall", PAPER))
    side = len(names) * _CELL
    return svg(max(_LEFT + side + 70, 420), _TOP + side + 20, "Confusion matrix of the test split", "".join(parts))


def _cell(row: int, column: int, count: int, share: float) -> str:
    x, y = _LEFT + column * _CELL, _TOP + row * _CELL
    fill = "#0072b2" if row == column else "#d55e00"
    number = str(count) if count < 10_000 else f"{count / 1000:.0f}k"
    ink = "#ffffff" if share > 0.55 else PAPER["ink"]
    return (
        f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_CELL - 2}" fill="{fill}" '
        f'fill-opacity="{0.06 + 0.94 * share if count else 0.03:.2f}"/>'
        f'<text x="{x + _CELL / 2}" y="{y + _CELL / 2 + 4}" text-anchor="middle" font-size="11" fill="{ink}">'
        f"{number if count else ''}</text>"
    )


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
