"""Chords: pieces as rows of a keyboard, and what the last chords tell of the next one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

KEYS = 88
LOWEST = 21
"""The MIDI pitch of the lowest key of a piano; the highest is 108."""
_PENALTIES = (1e-3, 3e-4, 1e-4)
_ITERATIONS = 40
_PRIOR = 1.0
"""Examples that a share is begun with, so that nothing is impossible."""
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


class Pieces(NamedTuple):
    """Pieces one after the other."""

    chords: np.ndarray
    """(steps, 88) uint8, 1 where a key sounds."""
    lengths: np.ndarray
    """(pieces,): steps of each."""

    @property
    def first(self) -> np.ndarray:
        """(pieces,): the first step of each."""
        return np.cumsum(self.lengths) - self.lengths


def keyboard(pitches: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Chords of so many `notes` each, (steps,), from all their MIDI `pitches`, as (steps, 88) uint8."""
    chords = np.zeros((len(notes), KEYS), np.uint8)
    chords[np.repeat(np.arange(len(notes)), notes), np.asarray(pitches) - LOWEST] = 1
    return chords


def name_of(chord: np.ndarray) -> str:
    """The keys of a chord, (88,) bool, the lowest first, by name: `C4 E4 G4`; `-` where none sounds."""
    pitches = np.flatnonzero(chord) + LOWEST
    return " ".join(f"{_NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in pitches) or "-"


def nats(chords: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """-log of the probability of chords, nats, the sum over independent keys: (..., 88) to (...), float64."""
    logits = logits.astype(np.float64)
    return (np.logaddexp(0, logits) - chords * logits).sum(axis=-1)


class ChordModels:
    """Predictors of the next chord, each giving logits, fitted to pieces; penalties are chosen on others.

    `marginal`: each key's share of all chords. `key`: that of the chords after one with, or without, the key. `last`
    and `last two`: a logistic regression for each key on the last chord, or the last two.
    """

    def __init__(self, train: Pieces, validation: Pieces) -> None:
        before, after = _pairs(train, 1)
        self._marginal = _logit(after.sum(axis=0), len(after), after.mean(), 1)
        off = 1 - before
        pooled = (before * after).sum() / max(before.sum(), 1)
        self._held = _logit((before * after).sum(axis=0), before.sum(axis=0), pooled, _PRIOR)
        share = 1 / (1 + np.exp(-self._marginal))
        self._struck = _logit((off * after).sum(axis=0), off.sum(axis=0), share, _PRIOR)
        self._lines = {size: _fitted(train, validation, size, self._marginal) for size in (1, 2)}

    def __call__(self, name: str, before: np.ndarray) -> np.ndarray:
        """Logits of the chord after `before`, (n, chords, 88): (n, 88)."""
        if name == "marginal":
            return np.broadcast_to(self._marginal, (len(before), KEYS))
        if name == "key":
            return np.where(before[:, -1] > 0, self._held, self._struck)
        size = 1 if name == "last" else 2
        weights = self._lines[size]
        seen = before[:, -size:].reshape(len(before), -1).astype(np.float64)
        return seen @ weights[:-1] + weights[-1]


def _logit(times: np.ndarray, of: np.ndarray | int, prior: np.ndarray | float, weight: float) -> np.ndarray:
    share = (times + weight * prior) / (of + weight)
    return np.log(share) - np.log1p(-share)


def _pairs(pieces: Pieces, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The last `size` chords, (n, size x 88), silent before the first, and the next one, (n, 88), float32."""
    seen, after = [], []
    for first, length in zip(pieces.first, pieces.lengths, strict=True):
        piece = pieces.chords[first : first + length].astype(np.float32)
        padded = np.concatenate([np.zeros((size - 1, KEYS), np.float32), piece])
        seen.append(np.concatenate([padded[at : at + length - 1] for at in range(size)], axis=1))
        after.append(piece[1:])
    return np.concatenate(seen), np.concatenate(after)


def _fitted(train: Pieces, validation: Pieces, size: int, bias: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression for each key, (size x 88 + 1, 88), the last row the biases.

    The L2 penalty is the best of three on validation, each begun where the one before ended.
    """
    from scipy.optimize import minimize

    seen, after = _with_bias(train, size)
    held, held_after = _with_bias(validation, size)
    weights = np.zeros((seen.shape[1], KEYS), np.float32)
    weights[-1] = bias
    least, best = np.inf, weights
    for penalty in _PENALTIES:

        def loss(flat: np.ndarray, penalty: float = penalty) -> tuple[float, np.ndarray]:
            weights = flat.reshape(-1, KEYS).astype(np.float32)
            logits = seen @ weights
            decayed = weights * np.float32(penalty)
            decayed[-1] = 0
            gap = 1 / (1 + np.exp(-logits)) - after
            total = (np.logaddexp(0, logits) - after * logits).sum(dtype=np.float64) / len(seen)
            gradient = seen.T @ gap / len(seen) + decayed
            return float(total + (weights * decayed).sum() / 2), gradient.ravel().astype(np.float64)

        start = weights.ravel().astype(np.float64)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
        weights = found.x.reshape(-1, KEYS)
        reached = float(nats(held_after, held @ weights).mean())
        if reached >= least:
            break
        least, best = reached, weights
    return best


def _with_bias(pieces: Pieces, size: int) -> tuple[np.ndarray, np.ndarray]:
    seen, after = _pairs(pieces, size)
    return np.concatenate([seen, np.ones((len(seen), 1), np.float32)], axis=1), after
