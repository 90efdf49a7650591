"""What is measured of a recurrent network beside its gradient profile: norms by weight, spectra, saturation.

All of it comes under the names of the MLflow page, where the part before the last `/` is a section:
`gradient_norm/recurrent_kernel/forget`, `recurrent_kernel/sigma_max/forget`, `saturation/open/forget`. Each is reported
for what a cell has: weights by the names of Keras' cells, gates by the names that its `Model` gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.models.base import Model
from rnnbench.tasks.base import Task, Tokens
from rnnbench.training.traced import for_every_length

WEIGHTS = ("kernel", "recurrent_kernel", "bias")
GATE_LEVELS = (0.1, 0.9)
"""Below the first a gate counts as closed, above the second as open (Karpathy, Johnson & Fei-Fei 2015)."""
TANH_LEVEL = 0.8
"""|tanh| from which a state counts as saturated: the same point of the same curve, tanh(x) being 2 sigmoid(2x) - 1."""


def cells(network: keras.Model) -> list[keras.Layer]:
    """The recurrent cells of a network that `models.network.build` made, the lowest layer first."""
    return [layer.cell for layer in network.layers if layer.name.startswith("recurrent_")]


class GradientNorms:
    """Euclidean norms of the training gradient: by all weights, by each recurrent weight, by each gate's block of it.

    The gradient is that of the batch's mean loss, before clipping. For weight W the norm is ||dL/dW||_F; for a gate it
    is that of the columns of W that belong to the gate. Weights of stacked layers count as one vector.
    """

    def __init__(self, network: keras.Model, model: Model) -> None:
        variables = network.trainable_variables
        self._widths = [variable.shape[-1] if variable.shape else 1 for variable in variables]
        place = {id(variable): position for position, variable in enumerate(variables)}
        parts: list[tuple[list[int], slice]] = []
        """What is summed for each norm: columns of some of the gradients."""
        self.names: list[str] = []
        """`recurrent_kernel/all`, `recurrent_kernel/forget`, ...: what `__call__` gives after the norm by all."""
        for name in WEIGHTS:
            found = [
                place[id(getattr(cell, name))] for cell in cells(network) if id(getattr(cell, name, None)) in place
            ]
            if found:
                gates = _gates(model, variables[found[0]].shape)
                self.names += [f"{name}/{gate}" for gate in ("all", *gates)]
                parts += [(found, slice(None))]
                parts += [(found, slice(at * model.units, (at + 1) * model.units)) for at in range(len(gates))]
        self._membership = self._members([(list(range(len(variables))), slice(None)), *parts])

    def __call__(self, gradients: Sequence[Any]) -> Any:
        """The norms, of shape (1 + len(names),), from the dense gradients by the network's trainable variables."""
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


def spectra(recurrent_kernel: np.ndarray, gates: Sequence[str] = ()) -> dict[str, float]:
    """`sigma_max/<gate>` and `spectral_radius/<gate>` of each gate's block of a recurrent kernel, in float64.

    The largest singular value and the largest modulus of an eigenvalue of U, (units, units). For a tanh cell
    ||dh_T/dh_t|| <= sigma_max(U)^(T-t) (Pascanu, Mikolov & Bengio 2013, section 2). The spectral radius is no such
    bound: `checks.models.counterexample`. Without gates the names end in `all`. Empty where a block is not square or
    not finite.
    """
    blocks = np.split(recurrent_kernel.astype(np.float64), len(gates) or 1, axis=-1)
    if not np.isfinite(recurrent_kernel).all() or blocks[0].shape[0] != blocks[0].shape[-1]:
        return {}
    found = {}
    for gate, block in zip(gates or ("all",), blocks, strict=True):
        found[f"sigma_max/{gate}"] = float(np.linalg.norm(block, 2))
        found[f"spectral_radius/{gate}"] = float(np.abs(np.linalg.eigvals(block)).max())
    return found


class Diagnostics:
    """Measures spectra and saturation of a network that one (task, model) pair builds, at its weights of the moment."""

    def __init__(self, task: Task, model: Model, network: keras.Model) -> None:
        self._model, self._cells = model, cells(network)
        self._embedding = network.get_layer("embedding") if isinstance(task.inputs, Tokens) else None
        self._recorders = [_Recorder(cell) for cell in self._cells]
        self._shares = for_every_length(self._saturation)

    def measure(self, inputs: np.ndarray) -> dict[str, float]:
        """All figures by name; `inputs` is the probe batch. What is not finite is left out."""
        found: dict[str, float] = {}
        for cell in self._cells:
            kernel = getattr(cell, "recurrent_kernel", None)
            if kernel is not None:
                of_layer = spectra(np.array(kernel), _gates(self._model, kernel.shape))
                # Of stacked layers the largest.
                found |= {name: max(value, found.get(name, 0.0)) for name, value in of_layer.items()}
        figures = {f"recurrent_kernel/{name}": value for name, value in found.items()}
        figures |= {f"saturation/{name}": float(share) for name, share in self._shares(inputs).items()}
        return {name: value for name, value in figures.items() if np.isfinite(value)}

    def _saturation(self, inputs: Any) -> dict[str, Any]:
        """Share of the activations that are saturated, over the examples, all steps, the units and stacked layers.

        `closed/<gate>` and `open/<gate>`: logistic gates below and above `GATE_LEVELS`. `tanh/<state>`: |tanh| above
        `TANH_LEVEL`.
        """
        features = inputs if self._embedding is None else self._embedding(inputs)
        shares: dict[str, list[Any]] = {}
        for cell, recorder in zip(self._cells, self._recorders, strict=True):
            output, *states = recorder(features)
            # Keras' recurrent layers start from zero.
            before = [tf.pad(state, [[0, 0], [1, 0], [0, 0]])[:, :-1] for state in states]
            for name, share in _shares(self._model.activations(cell, features, before)).items():
                shares.setdefault(name, []).append(share)
            features = output
        return {name: ops.mean(ops.stack(of_layers)) for name, of_layers in shares.items()}


class _Recorder:
    """Runs a built cell over sequences, with all of its states as answers."""

    def __init__(self, cell: keras.Layer) -> None:
        self._sizes = keras.tree.flatten(cell.state_size)
        self._layer = keras.layers.RNN(_RecordedCell(cell), return_sequences=True)

    def __call__(self, inputs: Any) -> list[Any]:
        """The output and each state, (batch, time, units) each."""
        recorded = self._layer(inputs)
        return tf.split(recorded, [recorded.shape[-1] - sum(self._sizes), *self._sizes], axis=-1)


class _RecordedCell(keras.Layer):
    """A built cell that answers with its output and all of its states beside each other."""

    def __init__(self, cell: keras.Layer) -> None:
        super().__init__(dtype=cell.dtype_policy)
        self.cell = cell
        self.state_size = cell.state_size
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        output, after = self.cell(inputs, states)
        return ops.concatenate([output, *keras.tree.flatten(after)], axis=-1), after


def _shares(activations: Any) -> dict[str, Any]:
    closed, opened = GATE_LEVELS
    shares = {}
    for name, gate in activations.gates.items():
        shares[f"closed/{name}"] = _share(gate < closed)
        shares[f"open/{name}"] = _share(gate > opened)
    for name, state in activations.states.items():
        shares[f"tanh/{name}"] = _share(ops.abs(state) > TANH_LEVEL)
    return shares


def _share(where: Any) -> Any:
    return ops.mean(ops.cast(where, "float32"))


def _gates(model: Model, shape: Sequence[int]) -> tuple[str, ...]:
    """Names of the blocks of a weight's last axis; none where the model names fewer than two or the axis differs."""
    names = model.gate_names
    return names if len(names) > 1 and shape[-1] == len(names) * model.units else ()
