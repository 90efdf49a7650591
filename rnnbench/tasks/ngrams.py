"""N-grams of characters: what the last few characters tell of the next one. NumPy only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ORDER = 4
"""Characters in view at most."""


class _Counts(NamedTuple):
    """Of all stretches of k + 1 characters, as numbers in base V: k of context and the next."""

    stretches: np.ndarray
    times: np.ndarray
    contexts: np.ndarray
    seen: np.ndarray
    """How often each context was followed by anything."""
    kinds: np.ndarray
    """By how many different characters."""


class NGrams:
    """Interpolated n-grams of all orders up to `order`, the number of characters in view, counted in a text.

    P(w | h) = (c(h w) + N(h) P(w | h')) / (c(h) + N(h)), where h' is h without its first character, N(h) the number of
    different characters that followed h, and below order 0 all characters are alike: each is a distribution over the
    whole alphabet. Source: Witten & Bell 1991, method C, as in Chen & Goodman 1998, section 2.4.
    """

    def __init__(self, text: np.ndarray, vocabulary: int, order: int = ORDER) -> None:
        """`text`: ids in [0, `vocabulary`), (n,)."""
        self._vocabulary = vocabulary
        self._counts = [_counted(text, vocabulary, k) for k in range(min(order, len(text) - 1) + 1)]

    def bits(self, windows: np.ndarray) -> np.ndarray:
        """-log2 of the probability of the last character of each window, given those before it: (n, k + 1) to (n,)."""
        windows = windows.astype(np.int64)
        probability = np.full(len(windows), 1 / self._vocabulary)
        stretch, place = np.zeros(len(windows), np.int64), 1
        for back, counts in enumerate(self._counts[: windows.shape[1]]):
            stretch = stretch + windows[:, -1 - back] * place
            place *= self._vocabulary
            context = stretch // self._vocabulary
            times, seen, kinds = (
                _looked_up(counts.stretches, counts.times, stretch),
                _looked_up(counts.contexts, counts.seen, context),
                _looked_up(counts.contexts, counts.kinds, context),
            )
            longer = (times + kinds * probability) / np.maximum(seen + kinds, 1)
            # A context that the text does not have tells no more than a shorter one.
            probability = np.where(seen > 0, longer, probability)
        return -np.log2(probability)

    def bits_from(self, windows: np.ndarray, first: int, seen: int = 0, order: int = ORDER) -> np.ndarray:
        """Bits of each character of the windows, (n, width), from place `first` on: (n, width - first).

        In view are at most `order` characters before it, none of which stand before place `seen`.
        """
        places = range(first, windows.shape[1])
        views = (windows[:, max(seen, place - order) : place + 1] for place in places)
        return np.stack([self.bits(view) for view in views], axis=1)


def _counted(text: np.ndarray, vocabulary: int, k: int) -> _Counts:
    stretch = np.zeros(len(text) - k, np.int64)
    for at in range(k + 1):
        stretch = stretch * vocabulary + text[at : len(text) - k + at]
    stretches, times = np.unique(stretch, return_counts=True)
    contexts, first = np.unique(stretches // vocabulary, return_index=True)
    return _Counts(stretches, times, contexts, np.add.reduceat(times, first), np.diff(np.append(first, len(stretches))))


def _looked_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The value of each wanted key, 0 where there is none; `keys` are sorted."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)
