"""Spectra of recurrent kernels, block by block: largest singular value and spectral radius. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def spectra(recurrent_kernel: np.ndarray, blocks: Sequence[str] = ()) -> dict[str, float]:
    """`sigma_max/<block>` and `spectral_radius/<block>` of each named block of a recurrent kernel, in float64.

    The largest singular value and the largest modulus of an eigenvalue of U, (units, units). For a tanh cell
    ||dh_T/dh_t|| <= sigma_max(U)^(T-t) (Pascanu, Mikolov & Bengio 2013, section 2). The spectral radius is no such
    bound: `checks.models.counterexample`. Without names the kernel is one block, `all`. Empty if a block is not square
    or not finite.
    """
    parts = np.split(recurrent_kernel.astype(np.float64), len(blocks) or 1, axis=-1)
    if not np.isfinite(recurrent_kernel).all() or parts[0].shape[0] != parts[0].shape[-1]:
        return {}
    found = {}
    for name, part in zip(blocks or ("all",), parts, strict=True):
        found[f"sigma_max/{name}"] = float(np.linalg.norm(part, 2))
        found[f"spectral_radius/{name}"] = float(np.abs(np.linalg.eigvals(part)).max())
    return found


def largest(of_layers: Sequence[dict[str, float]]) -> dict[str, float]:
    """The largest of each value over stacked layers."""
    found: dict[str, float] = {}
    for of_layer in of_layers:
        found |= {name: max(value, found.get(name, 0.0)) for name, value in of_layer.items()}
    return found
