"""The whole of a sequence as one picture: its parts, what is read at each step, and the flags (SVG for a page)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnbench.showing.colours import PAGE
from rnnbench.showing.drawing import curve, text
from rnnbench.showing.example import EVIDENCE, Example, elided
from rnnbench.showing.picture import data_uri, upright
from rnnbench.showing.text import channel as name_of

WIDTH = 960
_LEFT, _RIGHT = 74, 8
_BAR, _GAP = 22, 4
_FLAG = 11
_CURVE_HEIGHT, _PICTURE_HEIGHT = 76, 170
_MOST_CURVES = 8
_SKIP = 3
"""Steps that stand for those that are left out."""


def sequence_picture(example: Example) -> str:
    """Lead, evidence, lag and readout as a bar; below it curves or a picture of all steps; then a row for each flag.

    Long fillers are shortened in the middle.
    """
    columns = list(_columns(example))
    wide = (WIDTH - _LEFT - _RIGHT) / len(columns)
    parts, y = [_bar(example, columns, wide)], _BAR + 8.0
    for height, drawn in _content(example, columns, wide):
        parts.append(f'<g transform="translate(0,{y:.1f})">{drawn}</g>')
        y += height + 10
    for name, flag in example.flags.items():
        parts.append(text(_LEFT - 8, y + _FLAG - 2, name, PAGE, anchor="end"))
        parts.append(f'<path d="M{_LEFT},{y + _FLAG:.1f}H{WIDTH - _RIGHT}" stroke="var(--line)"/>')
        for first, count in _runs([step is not None and bool(flag[step]) for step in columns]):
            x, width = _LEFT + first * wide, max(count * wide - 0.5, 1)
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_FLAG}" class="flag"/>')
        y += _FLAG + _GAP
    parts += _gaps(example, columns, wide, y)
    return (
        f'<svg viewBox="0 0 {WIDTH} {y + 4:.0f}" role="img" aria-label="The sequence step by step" '
        f'font-family="inherit">{"".join(parts)}</svg>'
    )


def _columns(example: Example) -> Iterator[int | None]:
    """The steps that are drawn; None for each that stands for what is left out."""
    most = max(16, example.part(EVIDENCE).steps // 2)
    for segment in example.segments:
        parts = [segment.range] if segment.part == EVIDENCE else elided(segment, most)
        for at, steps in enumerate(parts):
            yield from [None] * (_SKIP if at else 0)
            yield from steps


def _bar(example: Example, columns: list[int | None], wide: float) -> str:
    parts = []
    at = 0
    for segment in example.segments:
        count = sum(1 for step in columns if step is not None and step in segment.range)
        count += _SKIP if count < segment.steps else 0
        x, width = _LEFT + at * wide, count * wide
        name = f"{segment.part} {segment.steps}"
        shown = name if width > 7 * len(name) else ""
        told = f"<title>{segment.part}, {segment.steps} steps</title>"
        words = text(x + width / 2, 15, shown, PAGE, anchor="middle", size=12, colour="ink")
        parts.append(
            f'<g>{told}<rect x="{x + 0.5:.1f}" y="0" width="{max(width - 1, 1):.1f}" height="{_BAR}" rx="3" '
            f'class="part {segment.part}"/>{words}</g>'
        )
        at += count
    return "".join(parts)


def _gaps(example: Example, columns: list[int | None], wide: float, height: float) -> Iterator[str]:
    """What is left out: a gap through all rows, with the number of steps."""
    for first, count in _runs([step is None for step in columns]):
        x, width = _LEFT + first * wide, count * wide
        before, after = columns[first - 1], columns[first + count]
        assert before is not None
        assert after is not None
        told = f"{after - before - 1:,} steps"
        middle = text(0, 0, f"… {told} …", PAGE, anchor="middle", size=11, colour="ink")
        turn = f"translate({x + width / 2 + 4:.1f},{(height + _BAR) / 2:.1f}) rotate(-90)"
        yield (
            f'<rect x="{x:.1f}" y="{_BAR + 2}" width="{width:.1f}" height="{height - _BAR:.1f}" fill="var(--soft)"/>'
            f'<g transform="{turn}">{middle}</g>'
        )


def _content(example: Example, columns: list[int | None], wide: float) -> Iterator[tuple[float, str]]:
    """The height and the drawing of each row between the bar and the flags."""
    content = example.content
    if not content.shape[1]:
        return
    if example.display.kind in ("image", "frames") and content.shape[1] > 1:
        picture = upright(np.stack([content[step] if step is not None else content[0] * 0 for step in columns]))
        x, width = _LEFT, WIDTH - _LEFT - _RIGHT
        yield (
            _PICTURE_HEIGHT,
            f'<image href="{data_uri(picture)}" x="{x}" width="{width}" height="{_PICTURE_HEIGHT}" '
            f'preserveAspectRatio="none" class="pixels"/>'
            + text(_LEFT - 8, 12, f"channel {content.shape[1]}", PAGE, anchor="end")
            + text(_LEFT - 8, _PICTURE_HEIGHT - 2, "channel 1", PAGE, anchor="end"),
        )
        return
    for channel in range(min(content.shape[1], _MOST_CURVES)):
        yield _CURVE_HEIGHT, _curve(content[:, channel], columns, wide, name_of(example.display, channel))
    if content.shape[1] > _MOST_CURVES:
        more = f"and {content.shape[1] - _MOST_CURVES} channels more"
        yield 12, text(_LEFT, 10, more, PAGE)


def _curve(values: np.ndarray, columns: list[int | None], wide: float, name: str) -> str:
    shown = values[[step for step in columns if step is not None]]
    low, high = float(shown.min()), float(shown.max())
    spread = (high - low) or 1.0
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, step in enumerate(columns):
        if step is None:
            pieces.append([])
        else:
            height = 4 + (_CURVE_HEIGHT - 8) * (high - float(values[step])) / spread
            pieces[-1].append((_LEFT + (at + 0.5) * wide, height))
    lines = "".join(curve(piece, "var(--accent)", width=1.4) for piece in pieces)
    return (
        lines
        + text(_LEFT - 8, _CURVE_HEIGHT / 2 + 4, name[:11], PAGE, anchor="end", colour="ink")
        + text(_LEFT - 8, 10, f"{high:.3g}", PAGE, anchor="end", size=9.5)
        + text(_LEFT - 8, _CURVE_HEIGHT, f"{low:.3g}", PAGE, anchor="end", size=9.5)
    )


def _runs(on: list[bool]) -> Iterator[tuple[int, int]]:
    """First place and length of each run of True."""
    first = None
    for at, here in enumerate([*on, False]):
        if here and first is None:
            first = at
        elif not here and first is not None:
            yield first, at - first
            first = None
