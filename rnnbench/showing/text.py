"""Steps and answers as text: words, symbols and numbers, shortened in the middle where they are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnnbench.showing.example import EVIDENCE, LAG, Example, Segment
from rnnbench.tasks.display import Display, name_of_class
from rnnbench.text.wording import count_of

GLYPHS = {"blank": "·", "marker": "?", "zeros": "0", "padding": "–"}
"""What stands for a step that holds nothing but this."""
AS_TEXT = ("symbols", "words", "numbers")
"""Kinds of which each step is a short text."""
LONG_RUN = 8
"""So many equal signs in a row are counted."""
MOST_STEPS = {"evidence": 240, "other": 12, "read": 24}
"""More steps than these of the evidence, of a filler and of the answers are shortened."""
_ASCII = {"·": ".", "–": "-", "…": "...", "×": "x", "→": "->"}


def ascii_only(text: str) -> str:
    """The text for a terminal that knows nothing but ASCII."""
    return "".join(_ASCII.get(letter, letter) for letter in text).encode("ascii", "replace").decode()


def labels(example: Example, steps: Sequence[int] | range) -> list[str]:
    """A short text for each step, with a `*` where a flag is on that other steps of its part do not have."""
    at = np.asarray(steps, int)
    kind = example.display.kind
    if kind == "words":
        found = _words(example, at)
    elif kind == "symbols":
        found = [_symbol(example, step) for step in at]
    else:
        found = [_numbers(example, step) for step in at]
    marked = singled_out(example)
    return [f"{label}*" if marked[step] else label for label, step in zip(found, at, strict=True)]


def singled_out(example: Example) -> np.ndarray:
    """(steps,) bool: steps of the evidence with a flag that the evidence does not have throughout."""
    evidence = example.part(EVIDENCE).range
    found = np.zeros(example.steps, bool)
    for flag in example.flags.values():
        own = flag[evidence.start : evidence.stop]
        if own.any() and not own.all():
            found[evidence.start : evidence.stop] |= own
    return found


def where(example: Example, flag: np.ndarray) -> str:
    """Where a flag is on: parts of the sequence, or steps of the evidence counted from 1."""
    found = []
    for segment in example.segments:
        own = flag[segment.first : segment.first + segment.steps]
        if own.all():
            found.append(f"all of the {segment.part}")
        elif own.any():
            steps = [str(step + 1) for step in np.flatnonzero(own)]
            shown = ", ".join(steps if len(steps) <= 6 else [*steps[:5], "…", steps[-1]])
            found.append(f"{segment.part} step{'s' * (len(steps) > 1)} {shown}")
    return "; ".join(found) or "nowhere"


class Piece(NamedTuple):
    """Some text of a segment."""

    text: str
    kind: str = "step"
    """`step`; `marked`: a step that is singled out; `padding`: steps that hold nothing; `gap`: what is left out."""


def pieces(example: Example, segment: Segment, most: int | None = None) -> list[Piece]:
    """A segment as text, in about `most` pieces: runs of one sign are counted, the middle of longer ones left out."""
    if most is None:
        most = MOST_STEPS["evidence" if segment.part == EVIDENCE else "other"]
    marked, first = singled_out(example), segment.first
    runs: list[tuple[Piece, int]] = []
    for step, label in enumerate(labels(example, segment.range), first):
        kind = "padding" if example.padded[step] else "marked" if marked[step] else "step"
        if runs and runs[-1][0] == (label, kind) and label in GLYPHS.values():
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((Piece(label, kind), 1))
    found: list[tuple[list[Piece], int]] = [
        ([piece._replace(text=f"{piece.text} × {times}")], times) if times >= LONG_RUN else ([piece] * times, times)
        for piece, times in runs
    ]
    if len(found) > most:
        end = max(1, most // 3)
        left_out = found[most - end : -end]
        gap = Piece(f"… {_left_out(segment, sum(times for _, times in left_out))} …", "gap")
        found = [*found[: most - end], ([gap], 0), *found[-end:]]
    return [piece for together, _ in found for piece in together]


def _left_out(segment: Segment, steps: int) -> str:
    return f"{count_of(steps, 'step')} of {'evidence' if segment.part == EVIDENCE else 'filler'}"


def inputs(example: Example, most: int = 400) -> str:
    """What is read, in one line: the evidence as text, or what kind of picture it is; then the lag."""
    evidence = example.part(EVIDENCE)
    if example.display.kind in AS_TEXT:
        own = [step for step in evidence.range if not example.padded[step]]
        told = example.display.between.join(labels(example, own)) or "nothing"
        told = told if len(told) <= most else f"{told[: most // 2].rstrip()} … {told[-most // 2 :].lstrip()}"
    else:
        told = f"{count_of(evidence.steps, 'step')} of {count_of(example.content.shape[1], 'channel')}"
    lag = example.part(LAG).steps
    return f"{told}, then {count_of(lag, 'step')} of {example.task.filler}" if lag else told


def truth(display: Display, targets: np.ndarray, asked: np.ndarray, most: int | None = None) -> str:
    """The right answer to an example, as its task tells it, or as `answer`."""
    return answer(display, targets, asked, most) if display.told is None else display.told(targets)


def answer(display: Display, values: np.ndarray, asked: np.ndarray, most: int | None = None) -> str:
    """Targets or answers at the read steps, (R,) classes or (R, outputs) numbers, of those that are `asked`."""
    most = MOST_STEPS["read"] if most is None else most
    if values.ndim == 1:
        names = [name_of_class(display, int(value)) for value in values[asked]]
        texts = [GLYPHS.get(name, name) for name in names] if len(names) > 1 else names
    else:
        texts = [number(value) for value in values[asked].ravel()]
    if len(texts) <= most:
        return display.between.join(texts)
    return display.between.join([*texts[: most // 2], "…", *texts[-(most // 2) :]])


def channel(display: Display, at: int) -> str:
    """The name of a channel, or its number, from 1 on."""
    return str(display.channels[at]) if at < len(display.channels) else f"channel {at + 1}"


def asked_at(example: Example) -> str:
    """Which steps are read, which of them have no weight, and which enter the score; steps count from 1."""
    told = _steps(example.read)
    unweighed = int((~example.asked).sum())
    told += f"; {count_of(unweighed, 'step')} of them without weight" if unweighed else ""
    weights = example.stream.weights
    if weights is not None and len(found := np.unique(weights[0][example.asked])) > 1:
        told += f"; weights from {number(found[0])} to {number(found[-1])}"
    if example.scored.sum() < example.asked.sum():
        told += f"; scored: {_steps(example.read[example.scored])}"
    return told


def _steps(steps: np.ndarray) -> str:
    if not len(steps):
        return "no step"
    if len(steps) > 2 and (np.diff(steps) == 1).all():
        return f"steps {steps[0] + 1} to {steps[-1] + 1}"
    shown = [str(step + 1) for step in steps]
    return f"step{'s' * (len(shown) > 1)} {', '.join(shown if len(shown) <= 8 else [*shown[:7], '…', shown[-1]])}"


def number(value: float) -> str:
    """Three significant digits, without an exponent where there is no need for one."""
    return f"{float(value):.3g}"


def signs(found: Sequence[Example]) -> str:
    """What the signs mean that stand for steps of some examples; empty where none does, or steps are pictures."""
    if not found or found[0].display.kind not in AS_TEXT:
        return ""
    shown = {label for example in found for label in labels(example, range(example.steps))}
    told = [f"{glyph} {name}" for name, glyph in GLYPHS.items() if glyph in shown]
    marked = any(singled_out(example).any() for example in found)
    return ", ".join([*told, *(["* a step that a flag singles out"] if marked else [])])


def _words(example: Example, at: np.ndarray) -> list[str]:
    display, tokens = example.display, example.tokens
    assert tokens is not None
    vocabulary = example.task.ports.vocabulary
    first = vocabulary - len(display.specials)
    names = display.words or _ids
    found = []
    for token, word in zip(tokens[at], names(np.minimum(tokens[at], max(first - 1, 0))), strict=True):
        if token >= first and display.specials:
            name = display.specials[token - first]
            found.append(GLYPHS.get(name, name))
        else:
            found.append(GLYPHS["padding"] if token == display.padding else str(word))
    return found


def _ids(tokens: np.ndarray) -> Sequence[str]:
    return [f"#{token}" for token in tokens]


def _symbol(example: Example, step: int) -> str:
    content = example.content[step]
    if not content.any():
        return _flagged(example, step)
    at = int(content.argmax())
    name = str(example.display.channels[at]) if at < len(example.display.channels) else str(at)
    return GLYPHS.get(name, name)


def _numbers(example: Example, step: int) -> str:
    content = example.content[step]
    if not content.any() and (example.part(EVIDENCE).range.start > step or step >= example.part(EVIDENCE).range.stop):
        return _flagged(example, step)
    return "/".join(f"{value:.2f}" for value in content)


def _flagged(example: Example, step: int) -> str:
    """The sign of the flag that is on in a step without content."""
    on = next((name for name, flag in example.flags.items() if flag[step] and name != "cue"), "zeros")
    return GLYPHS.get(on, on)
