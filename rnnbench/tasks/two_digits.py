"""Pictures of two digits, a bright and a dim one, side by side or one above the other, and what is said of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnbench.tasks import simple_models
from rnnbench.tasks.examples import Examples

SIDE = 28
"""Rows of a picture, and pixels of a row; each digit takes half of both."""
DIM = 0.5
"""Brightness of the second digit, relative to the first one's."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RELATIONS = ("left of", "right of", "above", "below")
WORDS = ("(end)", *DIGITS, "left", "right", "above", "below", "of")
"""Words by their id."""
STEPS = 5
"""Words of the longest caption, its end included."""
CAPTIONS = len(DIGITS) * len(RELATIONS) * len(DIGITS)
_HALF, _QUARTER = SIDE // 2, SIDE // 4
_CORNERS = np.array([[(_QUARTER, 0), (_QUARTER, _HALF)], [(_QUARTER, _HALF), (_QUARTER, 0)],
                     [(0, _QUARTER), (_HALF, _QUARTER)], [(_HALF, _QUARTER), (0, _QUARTER)]])  # fmt: skip
"""(relation, digit, 2): the upper left corner of the first and of the second digit."""


class Pictures(NamedTuple):
    """Pictures, and what they show: `first` `relation` `second`, of which the first is the bright one."""

    pixels: np.ndarray
    """(n, 28, 28) float32 in [0, 1]."""
    first: np.ndarray
    """(n,) digits."""
    relation: np.ndarray
    """(n,) indices of `RELATIONS`."""
    second: np.ndarray

    def rows(self, chosen: slice | np.ndarray) -> Pictures:
        """Some of them."""
        return Pictures(*(part[chosen] for part in self))


def halved(images: np.ndarray) -> np.ndarray:
    """(n, 28, 28) to (n, 14, 14): the means of four pixels."""
    return images.reshape(len(images), _HALF, 2, _HALF, 2).mean(axis=(2, 4), dtype=np.float32)


def drawn(digits: Examples, rng: np.random.Generator, n: int, once: bool) -> Pictures:
    """Pictures of random digits, (14, 14) each, in a random relation. `once`: no digit stands in two pictures."""
    known = len(digits.targets)
    chosen = rng.permutation(known)[: 2 * n].reshape(2, n) if once else rng.integers(known, size=(2, n))
    relation = rng.integers(len(RELATIONS), size=n)
    pixels = np.zeros((n, SIDE, SIDE), dtype=np.float32)
    for digit, brightness in enumerate((1, DIM)):
        for of, corners in enumerate(_CORNERS):
            row, column = corners[digit]
            shown = relation == of
            place = (shown, slice(row, row + _HALF), slice(column, column + _HALF))
            pixels[place] = np.float32(brightness) * digits.evidence[chosen[digit][shown]]
    first, second = digits.targets[chosen]
    return Pictures(pixels, first, relation, second)


def captions(pictures: Pictures) -> tuple[np.ndarray, np.ndarray]:
    """(n, 5) int32 ids of the words, and (n, 5) float32 weights, 0 behind the end.

    "seven left of three (end)", or "seven above three (end)", which is a word shorter.
    """
    n = len(pictures.first)
    words, weights = np.zeros((n, STEPS), dtype=np.int32), np.ones((n, STEPS), dtype=np.float32)
    beside = pictures.relation < 2
    words[:, 0] = 1 + pictures.first
    words[:, 1] = WORDS.index("left") + pictures.relation
    words[beside, 2] = WORDS.index("of")
    words[np.arange(n), 2 + beside] = 1 + pictures.second
    weights[~beside, -1] = 0
    return words, weights


def text(words: np.ndarray) -> str:
    """The words of a caption, (R,) ids, up to its end."""
    said = words.tolist()
    return " ".join(WORDS[word] for word in (said[: said.index(0)] if 0 in said else said))


def told_by_regressions(train: Pictures, held: Pictures, asked: dict[str, Pictures]) -> dict[str, float]:
    """The share of captions that logistic regressions on the pixels say right, for each of those `asked`.

    One tells the relation, from means of 4 x 4 pixels, and so where the digits stand; two more tell the digits from the
    pixels there.
    """
    relation = simple_models.logistic(_coarse(train), train.relation, _coarse(held), held.relation)
    digits = [
        simple_models.logistic(
            _cut(train.pixels, train.relation, digit), labels, _cut(held.pixels, held.relation, digit), held_labels
        )
        for digit, (labels, held_labels) in enumerate(((train.first, held.first), (train.second, held.second)))
    ]
    found = {}
    for name, pictures in asked.items():
        said = relation(_coarse(pictures))
        first, second = (answers(_cut(pictures.pixels, said, digit)) for digit, answers in enumerate(digits))
        right = (said == pictures.relation) & (first == pictures.first) & (second == pictures.second)
        found[name] = float(right.mean())
    return found


def _coarse(pictures: Pictures) -> np.ndarray:
    blocks = SIDE // 4
    return pictures.pixels.reshape(-1, blocks, 4, blocks, 4).mean(axis=(2, 4)).reshape(-1, blocks**2)


def _cut(pixels: np.ndarray, relation: np.ndarray, digit: int) -> np.ndarray:
    """(n, 196): the pixels where the first (0) or second (1) digit of a relation stands."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (_HALF, _HALF), axis=(1, 2))
    rows, columns = _CORNERS[relation, digit].T
    return windows[np.arange(len(pixels)), rows, columns].reshape(len(pixels), -1)
