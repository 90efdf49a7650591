"""The floor: only the matrix products that the recurrence of a training step cannot avoid."""

from __future__ import annotations

import numpy as np

from rnnbench.bench.problem import GATES, Problem


class MatrixProducts:
    """At every time step a product with the recurrent kernel and one with its transpose; then one for its gradient.

    In NumPy with its BLAS, on preallocated buffers: (batch, units) x (units, gates units) and back, length times each,
    and (units, batch length) x (batch length, gates units) once.
    """

    steps_per_call = 1

    def __init__(self, problem: Problem) -> None:
        rng = np.random.default_rng(0)
        units, wide = problem.units, GATES[problem.cell] * problem.units
        self._states = rng.normal(size=(problem.length, problem.batch, units)).astype(np.float32)
        self._derivatives = rng.normal(size=(problem.length, problem.batch, wide)).astype(np.float32)
        self._kernel = problem.weights()["recurrent_kernel"]
        self._transposed = np.ascontiguousarray(self._kernel.T)
        self._forward = np.empty((problem.batch, wide), np.float32)
        self._backward = np.empty((problem.batch, units), np.float32)
        self._gradient = np.empty((units, wide), np.float32)

    def run(self, steps: int) -> None:
        """Do the products of `steps`; there is no loss."""
        flat_states = self._states.reshape(-1, self._states.shape[-1])
        flat_derivatives = self._derivatives.reshape(-1, self._derivatives.shape[-1])
        for _ in range(steps):
            for state in self._states:
                np.matmul(state, self._kernel, out=self._forward)
            for derivative in self._derivatives:
                np.matmul(derivative, self._transposed, out=self._backward)
            np.matmul(flat_states.T, flat_derivatives, out=self._gradient)

    def close(self) -> None:
        del self._states, self._derivatives
