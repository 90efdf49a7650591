"""Norms of the training gradient, weight by weight and block by block: part of the compiled training step.

Names are sections of the MLflow page: `recurrent_kernel/forget` is stored as `gradient_norm/recurrent_kernel/forget`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnbench.models.base import Model
from rnnbench.training.network import cells
from rnnbench.training.probes.blocks import block_names

WEIGHTS = ("kernel", "recurrent_kernel", "bias")
"""Names of the weights in Keras' cells; of a cell with others, those that it has are reported."""


class GradientNorms:
    """Euclidean norms of the training gradient: of the whole, of each recurrent weight's part, of each block's part.

    The gradient is that of the batch's mean loss, before clipping. For weight W the norm is ||dL/dW||_F; for a block it
    is that of the block's columns of W. Weights of stacked layers count as one vector.
    """

    def __init__(self, network: keras.Model, model: Model) -> None:
        variables = network.trainable_variables
        self._widths = [variable.shape[-1] if variable.shape else 1 for variable in variables]
        place = {id(variable): position for position, variable in enumerate(variables)}
        parts: list[tuple[list[int], slice]] = []
        """What is summed for each norm: columns of some of the gradients."""
        self.names: list[str] = []
        """`recurrent_kernel/all`, `recurrent_kernel/forget`, ...: what `__call__` gives after the norm of the whole."""
        for name in WEIGHTS:
            found = [
                place[id(getattr(cell, name))] for cell in cells(network) if id(getattr(cell, name, None)) in place
            ]
            if found:
                blocks = block_names(model, variables[found[0]].shape)
                self.names += [f"{name}/{block}" for block in ("all", *blocks)]
                parts += [(found, slice(None))]
                parts += [(found, slice(at * model.units, (at + 1) * model.units)) for at in range(len(blocks))]
        self._membership = self._members([(list(range(len(variables))), slice(None)), *parts])

    def __call__(self, gradients: Sequence[Any]) -> Any:
        """The norms, (1 + len(names),), of the dense gradients with respect to the network's trainable variables."""
        # All of them come from one sum over rows of each weight: XLA compiles each sum for itself.
        by_column = [
            tf.reduce_sum(tf.reshape(tf.square(gradient), (-1, width)), axis=0)
            for gradient, width in zip(gradients, self._widths, strict=True)
        ]
        return tf.sqrt(tf.linalg.matvec(self._membership, tf.concat(by_column, axis=0)))

    def _members(self, parts: Sequence[tuple[list[int], slice]]) -> np.ndarray:
        """1 where a column of the gradients, all beside each other, belongs to a part: (parts, columns)."""
        starts = np.cumsum([0, *self._widths])
        members = np.zeros((len(parts), starts[-1]), np.float32)
        for member, (positions, columns) in zip(members, parts, strict=True):
            for position in positions:
                member[starts[position] : starts[position + 1]][columns] = 1
        return members
