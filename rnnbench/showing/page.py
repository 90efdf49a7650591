"""A page of examples that asks nobody for anything: HTML with its own style, pictures and curves inside."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from importlib.resources import files

import numpy as np

from rnnbench.showing import drawing, text
from rnnbench.showing.colours import PAGE
from rnnbench.showing.drawing import forecast
from rnnbench.showing.example import EVIDENCE, Example
from rnnbench.showing.headings import heading, reads
from rnnbench.showing.picture import data_uri, of_evidence
from rnnbench.showing.sequence import sequence_picture


def page(tasks: Mapping[str, Sequence[Example]], split: str) -> str:
    """The page of some examples of each task, by its label."""
    parts = [_task(label, found, split) for label, found in tasks.items()]
    title = "What a network reads and is asked"
    named = f"{title}: {', '.join(tasks)}"
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{html.escape(named)}</title>\n<style>{_style()}</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n{''.join(parts)}</body>\n</html>\n"
    )


def _style() -> str:
    return (files("rnnbench.showing") / "page.css").read_text("utf-8")


def _task(label: str, found: Sequence[Example], split: str) -> str:
    told = "".join(map(_example, found))
    first = found[0]
    about = f"{heading(first, split)} {reads(first)}"
    signs = text.signs(found)
    legend = f'<p class="meta">{html.escape(signs)}</p>\n' if signs else ""
    head = f'<h2>{html.escape(label)}</h2>\n<p class="meta">{html.escape(about)}</p>'
    return f"<section>\n{head}\n{told}{legend}</section>\n"


def _example(example: Example) -> str:
    if example.display.kind in text.AS_TEXT:
        flags = "; ".join(f"{name}: {text.where(example, flag)}" for name, flag in example.flags.items())
        rows = [_steps(example), *([_row("flags", flags)] if flags else [])]
    else:
        rows = [f"{_evidence(example)}{sequence_picture(example)}<dl>"]
    rows += [_row("asked at", text.asked_at(example)), _row("answer", _answer(example), raw=True)]
    return f"<article>\n<h3>Example {example.number}</h3>\n{''.join(rows)}</dl>\n</article>\n"


def _steps(example: Example) -> str:
    rows = []
    kind = "words" if example.display.kind == "words" else ""
    for segment in example.segments:
        spans = "".join(
            f'<span class="{piece.kind}">{html.escape(piece.text)}</span>' + (" " if kind else "")
            for piece in text.pieces(example, segment)
        )
        steps = f"{segment.steps} step{'s' * (segment.steps > 1)}"
        rows.append(f'<dt><b>{segment.part}</b> {steps}</dt><dd class="steps {kind} {segment.part}">{spans}</dd>\n')
    return f"<dl>{''.join(rows)}"


def _evidence(example: Example) -> str:
    picture = of_evidence(example) if example.display.kind == "image" else None
    return "" if picture is None else f'<img alt="the evidence" src="{data_uri(picture)}">\n'


def _answer(example: Example) -> str:
    target = example.stream.targets[0]
    told = f'<span class="target">{html.escape(text.truth(example.display, target, example.asked))}</span>'
    channels = list(example.display.forecast)
    if not channels or target.ndim == 1 or target.shape[1] % len(channels):
        return told
    evidence = example.part(EVIDENCE)
    seen = example.content[evidence.first : evidence.first + evidence.steps]
    drawn = []
    for at, channel in enumerate(channels[:3]):
        future = target[-1].reshape(-1, len(channels))[:, at]
        curves = {"seen": seen[:, channel].tolist(), "truth": future.tolist(),
                  "persistence": np.full(len(future), seen[-1, channel]).tolist()}  # fmt: skip
        named = drawing.text(4, 12, text.channel(example.display, channel), PAGE, bold=True)
        drawn.append(f'<svg viewBox="0 0 640 120" class="forecast">{forecast(curves, PAGE, 640, 116)}{named}</svg>')
    said = "Grey: the evidence; behind the rule what is asked, and in dashes persistence, the last value seen."
    return f'{"".join(drawn)}<p class="meta">{said}</p>{told}'


def _row(name: str, told: str, raw: bool = False) -> str:
    return f"<dt>{name}</dt><dd>{told if raw else html.escape(told)}</dd>\n"
