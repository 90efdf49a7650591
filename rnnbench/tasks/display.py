"""How people see what a task feeds and asks: words, symbols, pictures, curves. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["symbols", "words", "numbers", "image", "frames", "series"]


@dataclass(frozen=True)
class Display:
    """What a task may say of its inputs and answers, and what stands in for it where it says nothing.

    `Task.display` returns it. Nothing here changes what a network reads.
    """

    kind: Kind | None = None
    """`symbols`: a one-hot; `words`: tokens; `numbers`: each step's values as digits; `series`: a curve for each
    channel; `frames`: a column of a picture for each step; `image`: the evidence is one picture. None: guessed from
    the inputs."""
    channels: Sequence[str] = ()
    """Names of the feature channels, from the first on: of each symbol of a one-hot, of each curve. Others are
    numbered."""
    flags: Sequence[str] = ()
    """Names of the last channels, which tell what a step is and are 0 or 1: the cue, the blank, the marker."""
    words: Callable[[np.ndarray], Sequence[str]] | None = None
    """Token ids (n,) to n words; None: the ids."""
    between: str = " "
    """What stands between words, and between the classes of an answer; nothing between the characters of a text."""
    specials: Sequence[str] = ()
    """Names of the last ids of the vocabulary: the blank, the marker."""
    padding: int | None = None
    """The token that stands in for what is not there; None: no token does."""
    classes: Sequence[str] = ()
    """Names of the classes, from 0 on. Others are numbered."""
    picture: Callable[[np.ndarray], np.ndarray] | None = None
    """Of an `image`: (steps of the evidence, channels without flags) to (height, width); None: a row for each step."""
    answered: Callable[[np.ndarray], str] | None = None
    """The raw outputs for one example, (R, outputs), as text: a sentence, notes, recognised words. None: guessed."""
    told: Callable[[np.ndarray], str] | None = None
    """The targets of one example, (R, ...), as text. None: guessed."""
    answer_picture: Callable[[np.ndarray], np.ndarray] | None = None
    """The raw outputs for one example, or its targets, (R, outputs), as a picture (height, width) in [0, 1]. None: the
    answer is no picture."""
    forecast: Sequence[int] = ()
    """Channels whose next steps are the answer, (steps, channels) flattened; empty: the answer is no series."""


def name_of_class(display: Display, number: int) -> str:
    """The name of a class, or its number."""
    return str(display.classes[number]) if number < len(display.classes) else str(number)


def letters(count: int) -> list[str]:
    """A, B, C, ...: names of that many symbols, numbered beyond Z."""
    return [chr(ord("A") + at) if at < 26 else str(at + 1) for at in range(count)]
