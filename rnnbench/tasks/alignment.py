"""Strings of labels whose alignment with the steps is unknown: CTC, its answers, and their distance from the truth.

Connectionist temporal classification (Graves, Fernandez, Gomez & Schmidhuber, ICML 2006). A path names a label or the
blank at each of R steps; collapsed, each run of equal names becomes one, and blanks are dropped. NumPy only.
"""

from __future__ import annotations

import numpy as np


def ctc_nats(targets: np.ndarray, lengths: np.ndarray, logits: np.ndarray, blank: int) -> np.ndarray:
    """(B,) float64: -log of the summed probability of all paths that collapse to the target; inf where none does.

    `targets`: (B, U), of which the first `lengths` count; `logits`: (B, R, classes). The forward variables of
    section 4.1, in logarithms.
    """
    with np.errstate(invalid="ignore"):  # Outputs that are no numbers have no loss.
        return _nats(targets, lengths, logits.astype(np.float64), blank)


def _nats(targets: np.ndarray, lengths: np.ndarray, logits: np.ndarray, blank: int) -> np.ndarray:
    logs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    examples, longest = targets.shape
    # A blank before, between and behind the labels.
    places = np.full((examples, 2 * longest + 1), blank)
    places[:, 1::2] = targets
    skips = np.zeros(places.shape, bool)
    skips[:, 2:] = (places[:, 2:] != blank) & (places[:, 2:] != places[:, :-2])
    emitted = np.take_along_axis(logs, np.broadcast_to(places[:, None], (*logs.shape[:2], places.shape[1])), axis=2)
    reached = np.full((examples, places.shape[1] + 2), -np.inf)
    reached[:, 1] = 0.0  # Before the first step, as if from the place before the first blank.
    for step in range(logs.shape[1]):
        stay, from_last = reached[:, 2:], reached[:, 1:-1]
        over = np.where(skips, reached[:, :-2], -np.inf)
        if step == 0:
            over[:, 1] = reached[:, 1]
        reached[:, 2:] = np.logaddexp(np.logaddexp(stay, from_last), over) + emitted[:, step]
        reached[:, :2] = -np.inf
    rows, ends = np.arange(examples), 2 * lengths + 2
    last_label = np.where(lengths > 0, reached[rows, ends - 1], -np.inf)
    return -np.logaddexp(reached[rows, ends], last_label)


def collapsed(paths: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """Paths, (B, R), as the labels that they collapse to, (B, R) with `blank` behind them, and their number, (B,)."""
    kept = paths != blank
    kept[:, 1:] &= paths[:, 1:] != paths[:, :-1]
    found = np.full_like(paths, blank)
    rows, _ = np.nonzero(kept)
    found[rows, (np.cumsum(kept, axis=1) - 1)[kept]] = paths[kept]
    return found, kept.sum(axis=1)


def edit_distances(
    labels: np.ndarray, lengths: np.ndarray, others: np.ndarray, other_lengths: np.ndarray
) -> np.ndarray:
    """(...) int: insertions, deletions and replacements that make one string of labels the other (Levenshtein).

    `labels`: (..., U), of which the first `lengths` (...) count, and the same of the others; both are broadcast.
    """
    shape = np.broadcast_shapes(labels.shape[:-1], others.shape[:-1])
    longest = other_lengths.max(initial=0)
    row = np.broadcast_to(np.arange(longest + 1), (*shape, longest + 1)).copy()
    ends = np.broadcast_to(other_lengths, shape)[..., None]
    found = np.take_along_axis(row, ends, axis=-1)[..., 0]
    for at in range(lengths.max(initial=0)):
        before, row = row, np.empty_like(row)
        row[..., 0] = at + 1
        for to in range(longest):
            replaced = before[..., to] + (labels[..., at] != others[..., to])
            row[..., to + 1] = np.minimum(replaced, 1 + np.minimum(before[..., to + 1], row[..., to]))
        found = np.where(lengths == at + 1, np.take_along_axis(row, ends, axis=-1)[..., 0], found)
    return found
