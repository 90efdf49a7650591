"""Pictures of answers as SVG, written by hand: forecasts beside the truth, images with what they were taken for."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.showing.colours import PAPER
from rnnbench.showing.picture import data_uri, unpacked

_CELL, _GAP = 230, 18
_CURVE_HEIGHT, _IMAGE_HEIGHT = 130, 130
_COLUMNS = 4
_TOP = 52
Colours = Mapping[str, str]


def answers_picture(examples: Sequence[Mapping[str, Any]]) -> str | None:
    """The examples side by side (SVG on white); None where they have neither curves nor a picture."""
    drawn = [one for one in examples if one.get("curves") or one.get("picture")]
    if not drawn:
        return None
    of_curves = bool(drawn[0].get("curves"))
    tall = (_CURVE_HEIGHT if of_curves else _IMAGE_HEIGHT) + 40
    rows = -(-len(drawn) // _COLUMNS)
    width = _GAP + min(len(drawn), _COLUMNS) * (_CELL + _GAP)
    parts = []
    for place, one in enumerate(drawn):
        x, y = _GAP + (place % _COLUMNS) * (_CELL + _GAP), _TOP + (place // _COLUMNS) * (tall + _GAP)
        inside = _forecast(one, PAPER) if of_curves else _image(one, PAPER)
        parts.append(f'<g transform="translate({x},{y})">{inside}</g>')
    title, legend = _heading(drawn[0])
    return svg(max(width, 560), _TOP + rows * (tall + _GAP), title, legend + "".join(parts))


def _heading(one: Mapping[str, Any]) -> tuple[str, str]:
    """Title and legend of pictures like this one."""
    if one.get("curves"):
        return "Forecasts of some test examples", _legend(PAPER)
    if "error" in one:
        told = "from the top: what was seen, what followed, what the network answers"
        return "Films of some test examples", text(_GAP, 38, told, PAPER)
    told = "the right answer → what the network answers"
    return "What some test examples are taken for", text(_GAP, 38, told, PAPER)


def said(one: Mapping[str, Any]) -> str:
    """An answer below its picture: the right class and the given one, or how far the numbers are off."""
    if "error" in one:
        return "" if one["error"] is None else f"squared error {one['error']:.3g}"
    return f"{one['truth']} → {one['answer'] or '(nothing)'}"


def svg(width: float, height: float, title: str, inside: str) -> str:
    """A picture on white with its title."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="sans-serif" role="img"><title>{html.escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="white"/>{text(_GAP, 20, title[:90], PAPER, size=14, bold=True)}'
        f"{inside}</svg>\n"
    )


def text(x: float, y: float, words: str, colours: Colours, *, anchor: str = "start", size: float = 11,
         bold: bool = False, colour: str = "muted") -> str:  # fmt: skip
    """A line of text."""
    # XML has no control characters, and a label of a person's own file may have any.
    words = "".join(letter if letter.isprintable() else "�" for letter in words)
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight} '
        f'fill="{colours["ink" if bold else colour]}">{html.escape(words)}</text>'
    )


def curve(points: Sequence[tuple[float, float]], colour: str, *, width: float = 1.6, dash: str = "") -> str:
    """A line through some points; nothing where there are none."""
    if not points:
        return ""
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes} stroke-linejoin="round"/>'


def forecast(curves: Mapping[str, Sequence[float | None]], colours: Colours, width: float, height: float) -> str:
    """What was seen, and after a rule the truth, the forecast and persistence, of those that there are."""
    named = {name: [*curves.get(name, ())] for name in ("seen", "truth", "answer", "persistence")}
    finite = [value for values in named.values() for value in values if value is not None and math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    spread = (high - low) or 1.0
    seen = len(named["seen"])
    steps = max(1, seen + max(len(named[name]) for name in ("truth", "answer", "persistence")) - 1)

    def place(values: Sequence[float | None], first: int) -> list[tuple[float, float]]:
        return [
            (width * (first + at) / steps, 4 + (height - 8) * (high - value) / spread)
            for at, value in enumerate(values)
            if value is not None and math.isfinite(value)
        ]

    edge = width * max(0, seen - 0.5) / steps
    last = named["seen"][-1:]
    lines = [
        f'<path d="M0,{height}H{width}" stroke="{colours["line"]}"/>',
        f'<path d="M{edge:.1f},0V{height}" stroke="{colours["muted"]}" stroke-dasharray="2 3"/>',
        curve(place(named["seen"], 0), colours["muted"]),
        curve(place(named["persistence"], seen), colours["muted"], width=1.2, dash="3 3"),
        curve(place([*last, *named["truth"]], seen - len(last)), colours["ink"], width=1.8),
        curve(place(named["answer"], seen), colours["accent"], width=1.8),
    ]
    return "".join(lines)


def _forecast(one: Mapping[str, Any], colours: Colours) -> str:
    first = one["curves"][0]
    head = f"example {one['example']}, {first['name']}"
    error = "" if one.get("error") is None else f"squared error {one['error']:.3g}"
    return (
        text(0, 10, head, colours, bold=True)
        + text(_CELL, 10, error, colours, anchor="end")
        + f'<g transform="translate(0,18)">{forecast(first, colours, _CELL, _CURVE_HEIGHT)}</g>'
    )


def _image(one: Mapping[str, Any], colours: Colours) -> str:
    levels = unpacked(one["picture"])
    height, width = levels.shape
    scale = min(_CELL / width, _IMAGE_HEIGHT / height)
    right = one.get("right") == 1
    mark = "" if "right" not in one else "✓" if right else "✗"
    colour = "muted" if not mark else "right" if right else "wrong"
    sure = "" if one.get("probability") is None else f"{100 * one['probability']:.0f}%"
    return (
        f'<image href="{data_uri(levels)}" width="{width * scale:.1f}" height="{height * scale:.1f}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated"/>'
        + text(0, _IMAGE_HEIGHT + 16, f"{said(one)} {mark} {sure}", colours, size=12, colour=colour)
    )


def _legend(colours: Colours) -> str:
    told = (("seen", "muted", ""), ("truth", "ink", ""), ("forecast", "accent", ""), ("persistence", "muted", "3 3"))
    parts, x = [], float(_GAP)
    for name, colour, dash in told:
        parts.append(curve([(x, 34), (x + 22, 34)], colours[colour], width=2, dash=dash))
        parts.append(text(x + 27, 38, name, colours))
        x += 46 + 7 * len(name)
    return "".join(parts)
