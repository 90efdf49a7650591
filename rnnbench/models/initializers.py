"""Initial values for the gates of a recurrent layer, in numpy."""

from __future__ import annotations

import numpy as np


def block_orthogonal(gates: int, units: int, rng: np.random.Generator) -> np.ndarray:
    """(units, gates x units): each gate's block an orthogonal matrix, uniform over them (Saxe et al. 2014)."""
    blocks = []
    for _ in range(gates):
        q, r = np.linalg.qr(rng.normal(size=(units, units)))
        blocks.append(q * np.sign(np.diag(r)))
    return np.concatenate(blocks, axis=1)


def chrono(units: int, longest: int, rng: np.random.Generator) -> np.ndarray:
    """(units,): log U(1, longest - 1), memories spread over all spans (Tallec & Ollivier 2018, section 3)."""
    return np.log(rng.uniform(1, max(longest - 1, 2), size=units))
