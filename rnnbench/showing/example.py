"""One example of a task, step by step: which part of the sequence each step belongs to, and what stands in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np

from rnnbench.errors import UserError
from rnnbench.tasks.base import Split, Task
from rnnbench.tasks.display import Display, Kind
from rnnbench.tasks.stream import Stream

LEAD, EVIDENCE, LAG, READOUT = "lead", "evidence", "lag", "readout"
MOST_LEADS = 8
_FEW_CHANNELS = 8
_FEW_STEPS = 40
_WORTHWHILE = 8
"""Fewer steps are not left out."""


class Segment(NamedTuple):
    """Consecutive steps of one part of the sequence."""

    part: str
    """`lead`, `evidence`, `lag` or `readout`."""
    first: int
    steps: int

    @property
    def range(self) -> range:
        return range(self.first, self.first + self.steps)


@dataclass(frozen=True)
class Example:
    """One example behind its lead."""

    number: int
    """Its place in what was looked at, from 0."""
    task: Task
    """At the lag of this example."""
    stream: Stream
    """Of one row."""
    display: Display
    """With its `kind`."""

    @property
    def steps(self) -> int:
        return self.stream.steps

    @cached_property
    def segments(self) -> list[Segment]:
        """The parts that have steps, in their order. What stands before the layout's own steps is the lead."""
        layout = self.task.layout
        lead = max(0, self.steps - layout.length)
        lengths = {LEAD: lead, EVIDENCE: layout.evidence, LAG: layout.lag, READOUT: layout.readout}
        found, first = [], 0
        for part, steps in lengths.items():
            found.append(Segment(part, first, min(steps, self.steps - first)))
            first += found[-1].steps
        return [segment for segment in found if segment.steps > 0]

    def part(self, name: str) -> Segment:
        """The segment of a name, perhaps of no steps."""
        return next((segment for segment in self.segments if segment.part == name), Segment(name, 0, 0))

    @cached_property
    def content(self) -> np.ndarray:
        """(steps, channels): the features without the flags; no channels where all that is read are tokens."""
        return self._features[:, : self._features.shape[1] - len(self.display.flags)]

    @cached_property
    def flags(self) -> dict[str, np.ndarray]:
        """(steps,) bool for each flag: where it is on."""
        width = self._features.shape[1] - len(self.display.flags)
        return {name: self._features[:, width + at] > 0 for at, name in enumerate(self.display.flags)}

    @property
    def tokens(self) -> np.ndarray | None:
        return None if self.stream.tokens is None else self.stream.tokens[0]

    @cached_property
    def read(self) -> np.ndarray:
        """(R,): the steps that are read."""
        if self.stream.readout is not None:
            return self.stream.readout[0]
        count = self.stream.targets.shape[1]
        return np.arange(self.steps - count, self.steps)

    @cached_property
    def asked(self) -> np.ndarray:
        """(R,) bool: which of the read steps have a weight."""
        weights = self.stream.weights
        return np.ones(len(self.read), bool) if weights is None else weights[0] > 0

    @cached_property
    def scored(self) -> np.ndarray:
        """(R,) bool: which of the read steps enter the score."""
        return self.asked if self.stream.scored is None else self.asked & self.stream.scored[0]

    @cached_property
    def padded(self) -> np.ndarray:
        """(steps,) bool: steps before the example's own beginning, which stand in the evidence and hold nothing."""
        evidence = self.part(EVIDENCE)
        empty = np.zeros(self.steps, bool)
        if self.tokens is not None:
            empty[evidence.first : evidence.first + evidence.steps] = (
                self.tokens[evidence.first : evidence.first + evidence.steps] == self.display.padding
            )
        elif self.display.kind != "symbols":
            own = self._features[evidence.first : evidence.first + evidence.steps].any(axis=1)
            begins = int(np.argmax(own)) if own.any() else 0
            empty[evidence.first : evidence.first + begins] = True
        return empty

    @property
    def _features(self) -> np.ndarray:
        features = self.stream.features
        return np.zeros((self.steps, 0), np.float32) if features is None else features[0]


def examples(task: Task, split: Split | str, count: int) -> Iterator[Example]:
    """Examples of a split (`train`: of the first training steps), spread over it and over the leads in it.

    Raises `UserError` where the data are missing or unfit.
    """
    task.check_data()
    if split == "train":
        for step in range(count):
            there = task.at_lag(task.training_lag(0, step))
            yield example(there, task.training_stream(0, step, 1), step)
        return
    name: Split = "validation" if split == "validation" else "test"
    chosen = Chosen(count)
    # As many as there are leads at most: a large split comes in more streams.
    for stream in islice(task.streams(name), MOST_LEADS):
        chosen.update(stream)
    found = chosen.rows()
    if not found:
        raise UserError(f"the {name} split is empty")
    for place, row, _ in found:
        yield example(task, row, place)


def example(task: Task, row: Stream, number: int, display: Display | None = None) -> Example:
    """An example of one row; `display`: the task's, if it is at hand."""
    display = display or task.display()
    made = Example(number, task, row, display)
    return made if display.kind else replace(made, display=replace(display, kind=_guessed(made)))


class Chosen:
    """Some examples of a split that comes in streams: spread over each stream, and over streams of other lengths.

    Memory: `count` examples for each length.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._kept: dict[int, list[tuple[int, Stream, np.ndarray | None]]] = {}

    def update(self, stream: Stream, outputs: np.ndarray | None = None) -> None:
        """Take in a stream, and what a network answers to it, (B, R, outputs)."""
        first, self._seen = self._seen, self._seen + stream.examples
        if stream.steps in self._kept or not stream.examples:
            return
        places = np.unique(np.linspace(0, stream.examples - 1, self._count).round().astype(int))
        self._kept[stream.steps] = [
            (first + int(place), stream.rows(np.array([place])), None if outputs is None else outputs[[place]])
            for place in places
        ]

    def rows(self) -> list[tuple[int, Stream, np.ndarray | None]]:
        """At most `count`: the place of each in the split, the row, the answer to it; in turn of every length."""
        lengths = list(self._kept.values())
        turns = max((len(kept) for kept in lengths), default=0)
        # Each turn another place of each length: streams of neighbouring windows begin alike.
        found = [
            kept[(turn * len(lengths) + at) % len(kept)]
            for turn in range(turns)
            for at, kept in enumerate(lengths)
            if turn < len(kept)
        ]
        return list({place: (place, row, answer) for place, row, answer in found}.values())[: self._count]


def _guessed(made: Example) -> Kind:
    """What an example looks like where its task does not say."""
    if made.tokens is not None:
        return "words"
    content, width = made.content, made.content.shape[1]
    if width > 1 and np.isin(content, (0, 1)).all() and (content.sum(axis=1) <= 1).all():
        return "symbols"
    if width <= 2 and made.task.layout.evidence <= _FEW_STEPS:
        return "numbers"
    return "series" if width <= _FEW_CHANNELS else "frames"


def elided(segment: Segment, most: int) -> Sequence[range]:
    """The steps of a segment that are shown: all, or where they are many more than `most` its beginning and its end."""
    if segment.steps <= most + _WORTHWHILE:
        return [segment.range]
    end = max(1, most // 3)
    return [segment.range[: most - end], segment.range[-end:]]
