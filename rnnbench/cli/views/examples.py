"""What `rnnbench show` prints: examples step by step, as text, as pictures of half blocks, as curves of dots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from rnnbench.showing import text
from rnnbench.showing.example import EVIDENCE, LAG, Example, Segment
from rnnbench.showing.headings import heading, reads
from rnnbench.showing.picture import of_evidence

STYLES = {"lead": "dim", "evidence": "cyan", "lag": "dim", "readout": "magenta"}
_PIECES = {"gap": "dim italic", "padding": "dim", "marked": "bold underline"}
_CURVE_LINES, _MOST_CURVES, _MOST_WIDTH = 5, 4, 100
_RAMP, _ASCII_RAMP = " ░▒▓█", " .:-=+*#%@"


def examples(label: str, found: Sequence[Example], split: str) -> Group:
    """Some examples of one task under a heading, and what their signs mean."""
    first = found[0]
    parts: list[RenderableType] = [Text(label, style="bold"), _Folded(heading(first, split)), _Folded(reads(first))]
    for example in found:
        parts += [Text(""), Text(f"example {example.number}", style="bold"), *_example(example)]
    if signs := text.signs(found):
        parts += [Text(""), _Folded(signs, "dim")]
    return Group(*parts)


def _example(example: Example) -> Iterator[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    for segment in example.segments:
        style = STYLES[segment.part]
        name = Text(f"  {segment.part}", style=style)
        table.add_row(name, Text(str(segment.steps), style=style), _segment(example, segment))
    for flagged, flag in example.flags.items():
        table.add_row(Text(f"  {flagged}", style="dim"), "", _Folded(text.where(example, flag), "dim"))
    table.add_row(Text("  asked at", style="dim"), "", _Folded(text.asked_at(example), "dim"))
    target = example.stream.targets[0]
    told = text.truth(example.display, target, example.asked)
    table.add_row(Text("  answer", style="green"), "", _Folded(told, "bold green"))
    yield table


def _segment(example: Example, segment: Segment) -> RenderableType:
    if example.display.kind in text.AS_TEXT:
        return _Pieces(text.pieces(example, segment), STYLES[segment.part])
    if segment.part != EVIDENCE:
        return _Folded(_of_filler(example, segment), STYLES[segment.part])
    if example.display.kind == "series":
        return Group(*_curves(example, segment))
    picture = of_evidence(example)
    return _Folded("nothing") if picture is None else _Picture(picture)


def _of_filler(example: Example, segment: Segment) -> str:
    """What fills a segment of which no picture is drawn."""
    own = slice(segment.first, segment.first + segment.steps)
    if example.content[own].any():
        return f"{example.task.filler}s" if segment.part in (LAG, "lead") else "values"
    on = [name for name, flag in example.flags.items() if flag[own].all()]
    return ", ".join(on) or "zeros"


def _curves(example: Example, segment: Segment) -> Iterator[RenderableType]:
    """Each channel of the evidence, and after a rule its next steps where these are asked."""
    forecast = list(example.display.forecast)
    target = example.stream.targets[0]
    asked = bool(forecast) and target.ndim == 2 and target.shape[1] % len(forecast) == 0
    channels = example.content.shape[1]
    for channel in range(min(channels, _MOST_CURVES)):
        seen = example.content[segment.first : segment.first + segment.steps, channel]
        future = np.zeros(0)
        if asked and channel in forecast:
            future = target[-1].reshape(-1, len(forecast))[:, forecast.index(channel)]
        yield _Curve(text.channel(example.display, channel), seen.astype(float), future.astype(float))
    if channels > _MOST_CURVES:
        yield _Folded(f"and {channels - _MOST_CURVES} channels more (all of them with --out page.html)", "dim")


class _Folded:
    """A line of text that folds, in ASCII where the terminal knows nothing else."""

    def __init__(self, words: str, style: str = "") -> None:
        self._words, self._style = words, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words = text.ascii_only(self._words) if options.ascii_only else self._words
        yield Text(words, style=self._style, overflow="fold")


class _Pieces:
    """Steps as text, each kind of piece in its style."""

    def __init__(self, pieces: Sequence[text.Piece], style: str) -> None:
        self._pieces, self._style = pieces, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = Text(overflow="fold")
        for at, piece in enumerate(self._pieces):
            words = text.ascii_only(piece.text) if options.ascii_only else piece.text
            line.append(" " if at else "").append(words, style=_PIECES.get(piece.kind, self._style))
        yield line


class _Picture:
    """Grey levels, two rows of them in a line: half blocks in grey, or the signs of a ramp without colours."""

    def __init__(self, levels: np.ndarray) -> None:
        self._levels = levels

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        levels = self._levels.astype(float)
        every = -(-levels.shape[1] // max(options.max_width, 1))
        levels = _pooled(_pooled(levels, every, 1), every, 0)
        if len(levels) % 2:
            levels = np.vstack([levels, levels[-1:]])
        if options.ascii_only or console.color_system in (None, "standard"):
            ramp = _ASCII_RAMP if options.ascii_only else _RAMP
            places = (_pooled(levels, 2, 0) / 256 * len(ramp)).astype(int)
            for row in places:
                yield Text("".join(ramp[place] for place in row), no_wrap=True)
            return
        for top, bottom in zip(levels[::2].astype(int), levels[1::2].astype(int), strict=True):
            line = Text(no_wrap=True)
            for above, below in zip(top, bottom, strict=True):
                line.append("▀", style=f"rgb({above},{above},{above}) on rgb({below},{below},{below})")
            yield line


class _Curve:
    """A curve of dots, eight in a sign; `*` where there is nothing but ASCII. A rule stands before what is asked."""

    def __init__(self, name: str, seen: np.ndarray, future: np.ndarray) -> None:
        self._name, self._seen, self._future = name, seen, future

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        values = np.concatenate([self._seen, self._future])
        across, down = (1, 1) if options.ascii_only else (2, 4)
        width = max(8, min(options.max_width - 2, _MOST_WIDTH))
        lines = _CURVE_LINES * (2 if options.ascii_only else 1)
        columns = np.linspace(0, width * across - 1, len(values)).round().astype(int)
        low, high = float(values.min()), float(values.max())
        heights = ((values - low) / ((high - low) or 1.0) * (lines * down - 1)).round().astype(int)
        dots = np.zeros((lines * down, width * across), bool)
        for at in range(len(values)):
            before = max(at - 1, 0)
            count = 1 + max(columns[at] - columns[before], abs(heights[at] - heights[before]))
            across_way = np.linspace(columns[before], columns[at], count).round().astype(int)
            up_way = np.linspace(heights[before], heights[at], count).round().astype(int)
            dots[lines * down - 1 - up_way, across_way] = True
        edge = int(columns[len(self._seen) - 1] // across) if len(self._future) else width
        asked = ", then what is asked" if len(self._future) else ""
        yield Text(f"{self._name}: from {text.number(low)} to {text.number(high)}{asked}")
        rule = "|" if options.ascii_only else "│"
        for line in range(lines):
            block = dots[line * down : (line + 1) * down]
            signs = "".join(
                _sign(block[:, place * across : (place + 1) * across], options.ascii_only) for place in range(width)
            )
            drawn = Text(no_wrap=True)
            drawn.append(signs[: edge + 1], style=STYLES[EVIDENCE])
            if len(self._future):
                drawn.append(rule, style="dim").append(signs[edge + 1 :], style="green")
            yield drawn


def _sign(dots: np.ndarray, ascii_only: bool) -> str:
    if ascii_only:
        return "*" if dots.any() else " "
    # Braille numbers its dots down the left column, then the right one; the lowest row last.
    bits = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (3, 1))
    return chr(0x2800 + sum(1 << at for at, place in enumerate(bits) if dots[place]))


def _pooled(levels: np.ndarray, every: int, axis: int) -> np.ndarray:
    """The means of so many neighbours; the last few may be fewer."""
    if every <= 1:
        return levels
    starts = np.arange(0, levels.shape[axis], every)
    counts = np.diff([*starts, levels.shape[axis]])
    sums = np.add.reduceat(levels, starts, axis=axis)
    return sums / (counts[:, None] if axis == 0 else counts)
