"""A picture of one run's gradient profile, for its page in MLflow: SVG written by hand, in less than a millisecond."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 100, 48
_DECADES = 16
"""Most decades that are shown, counted from the largest norm."""
_PHASES = {"initial": ("#8C8C8C", "before training"), "final": ("#0072B2", "as tested")}
_DASHES = {"joint": ("", "––"), "x": ("", "––"), "h": ("2 3", "· ·"), "c": ("6 4", "– –")}
"""Dashes of each state's line, and what stands for them in the legend."""
_TITLE_LENGTH = 60


def picture(title: str, lag: int, profile: Mapping[str, Sequence[Any]]) -> str:
    """Median norm against the distance from the readout, before training and at the weights that are tested (SVG).

    `profile`: the columns `phase, state, distance, median` of a run's profiles. A vertical rule marks the end of the
    evidence, `lag` steps before the readout. The states that are joined are dashed; a single one is the joint one.
    """
    lines = _lines(profile)
    norms = [norm for line in lines.values() for _, norm in line if norm > 0 and math.isfinite(norm)]
    top = math.ceil(math.log10(max(norms, default=1.0)) - 1e-9)
    bottom = max(math.floor(math.log10(min(norms, default=1e-1)) + 1e-9), top - _DECADES)
    bottom = min(bottom, top - 1)
    longest = max((distance for line in lines.values() for distance, _ in line), default=1) or 1

    def x(distance: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * distance / longest

    def y(norm: float) -> float:
        level = math.log10(norm) if norm > 0 and math.isfinite(norm) else bottom
        return TOP + (HEIGHT - TOP - BOTTOM) * (top - max(level, bottom)) / (top - bottom)

    parts = [*_axes(x, y, top, bottom, longest), _rule(x(min(lag, longest)))]
    parts += [_line(phase, state, [(x(at), y(norm)) for at, norm in line]) for (phase, state), line in lines.items()]
    parts.append(_text(LEFT, 20, title[:_TITLE_LENGTH], size=14, weight=600))
    parts += _legend(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" role="img"><title>Gradient profile of {html.escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )


Lines = dict[tuple[str, str], list[tuple[int, float]]]


def _lines(profile: Mapping[str, Sequence[Any]]) -> Lines:
    lines: Lines = {}
    columns = (profile.get(name, ()) for name in ("phase", "state", "distance", "median"))
    for phase, state, distance, median in zip(*columns, strict=True):
        if phase in _PHASES and state in _DASHES:
            lines.setdefault((phase, state), []).append((distance, median))
    single = [(phase, "h") for phase in _PHASES if (phase, "joint") in lines and (phase, "c") not in lines]
    return {line: points for line, points in lines.items() if line not in single}


def _axes(x: Any, y: Any, top: int, bottom: int, longest: int) -> list[str]:
    parts = []
    for level in range(bottom, top + 1, max(1, math.ceil((top - bottom) / 6))):
        at = y(10.0**level)
        parts.append(f'<path d="M{LEFT},{at:.1f}H{WIDTH - RIGHT}" stroke="#e3e6ea"/>')
        parts.append(_text(LEFT - 6, at + 4, f"1e{level}" if level else "1", anchor="end"))
    ticks = sorted({round(longest * part / 4) for part in range(5)})
    parts += [_text(x(tick), HEIGHT - BOTTOM + 18, str(tick), anchor="middle") for tick in ticks]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(_text(middle, HEIGHT - 8, "steps back from the readout", anchor="middle"))
    parts.append(_text(LEFT, TOP - 8, "‖∂loss/∂state‖, median over the probe batch"))
    return parts


def _rule(at: float) -> str:
    rule = f'<path d="M{at:.1f},{TOP}V{HEIGHT - BOTTOM}" stroke="#7d7d7d" stroke-dasharray="2 3"/>'
    return rule + _text(at - 4, HEIGHT - BOTTOM - 6, "the evidence ends", anchor="end")


def _line(phase: str, state: str, points: list[tuple[float, float]]) -> str:
    path = "M" + "L".join(f"{at:.1f},{height:.1f}" for at, height in points)
    dashes, _ = _DASHES[state]
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}" fill="none" stroke="{_PHASES[phase][0]}" stroke-width="2"{dash}/>'


def _legend(lines: Lines) -> list[str]:
    return [
        _text(WIDTH - RIGHT, 18 + 14 * place, f"{_DASHES[state][1]} {state}, {_PHASES[phase][1]}",
              anchor="end", colour=_PHASES[phase][0])
        for place, (phase, state) in enumerate(lines)
    ]  # fmt: skip


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 11, weight: int = 400,
          colour: str = "#59636e") -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}">{html.escape(text)}</text>'
    )
