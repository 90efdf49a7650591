"""Initial values for the kernel blocks and gate biases of a recurrent layer, in NumPy."""

from __future__ import annotations

import numpy as np


def block_orthogonal(blocks: int, units: int, rng: np.random.Generator) -> np.ndarray:
    """(units, blocks x units): each block an orthogonal matrix, drawn uniformly (Saxe et al. 2014)."""
    found = []
    for _ in range(blocks):
        q, r = np.linalg.qr(rng.normal(size=(units, units)))
        found.append(q * np.sign(np.diag(r)))
    return np.concatenate(found, axis=1)


def uniform(shape: tuple[int, ...], fan_in: int, rng: np.random.Generator) -> np.ndarray:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for the kernel and the bias of a linear layer."""
    return rng.uniform(-1, 1, size=shape) / np.sqrt(fan_in)


def chrono(units: int, longest: int, rng: np.random.Generator) -> np.ndarray:
    """(units,): log U(1, longest - 1), so that memories span all lengths (Tallec & Ollivier 2018, section 3)."""
    return np.log(rng.uniform(1, max(longest - 1, 2), size=units))
