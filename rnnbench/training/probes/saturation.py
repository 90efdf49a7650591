"""Saturation: the share of a network's gates and tanh values that lie near their limits, where their slope is small."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.models.base import Activations, Model
from rnnbench.tasks.stream import Stream
from rnnbench.training.network import cells, first_layer_inputs
from rnnbench.training.probes.recorder import Recorder
from rnnbench.training.traced import for_every_length

GATE_LEVELS = (0.1, 0.9)
"""Below the first a gate counts as closed, above the second as open (Karpathy, Johnson & Fei-Fei 2015)."""
TANH_LEVEL = 0.8
"""|tanh| above which a value counts as saturated: the same point of the same curve, as tanh(x) = 2 sigmoid(2x) - 1."""


class Saturation:
    """Measures the saturation of a network that `training.network.build` made, at its weights of the moment."""

    def __init__(self, model: Model, network: keras.Model) -> None:
        self._model, self._network, self._cells = model, network, cells(network)
        self._recorders = [Recorder(cell) for cell in self._cells]
        self._shares = for_every_length(self._of_all_layers)

    def measure(self, stream: Stream) -> dict[str, float]:
        """Share of the activations that are saturated, over the examples, all steps, the units and stacked layers.

        `closed/<gate>` and `open/<gate>`: logistic gates below and above `GATE_LEVELS`. `tanh/<state>`: |tanh| above
        `TANH_LEVEL`. `time_constant/<gate>/<quantile>`: see `time_constants`, of the gate that keeps the state. Empty
        for a model without cells.
        """
        if not self._cells:
            return {}
        read = Stream(stream.targets, stream.features, stream.tokens)
        shares, keeping = self._shares(read.parts)
        return {name: float(share) for name, share in shares.items()} | {
            f"time_constant/{gate}/{name}": value
            for gate, values in keeping.items()
            for name, value in time_constants(values.numpy()).items()
        }

    def _of_all_layers(self, parts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        features = first_layer_inputs(self._network, Stream(**parts))
        shares: dict[str, list[Any]] = {}
        keeping: dict[str, list[Any]] = {}
        for cell, recorder in zip(self._cells, self._recorders, strict=True):
            output, *states = recorder(features)
            # Keras' recurrent layers start from zero.
            before = [tf.pad(state, [[0, 0], [1, 0], [0, 0]])[:, :-1] for state in states]
            activations = self._model.activations(cell, features, before)
            for name, share in _shares(activations).items():
                shares.setdefault(name, []).append(share)
            gate = keeping_gate(cell)
            if gate in activations.gates:
                keeping.setdefault(gate, []).append(ops.reshape(activations.gates[gate], (-1,)))
            features = output
        means = {name: ops.mean(ops.stack(of_layers)) for name, of_layers in shares.items()}
        return means, {gate: ops.concatenate(of_layers) for gate, of_layers in keeping.items()}


def keeping_gate(cell: keras.Layer) -> str:
    """Name of the gate by which a cell's old state is multiplied: Keras' GRU keeps it where the update gate is open."""
    return "update" if isinstance(cell, keras.layers.GRUCell) else "forget"


def time_constants(gates: np.ndarray) -> dict[str, float]:
    """`p10`, `median` and `p90` of -1 / ln f over all values f of a gate: steps in which what it keeps falls to 1/e.

    As in Tallec & Ollivier 2018, section 2, where it is about 1 / (1 - f).
    """
    quantiles = np.quantile(gates.astype(np.float64), (0.1, 0.5, 0.9))
    with np.errstate(divide="ignore"):
        steps = np.abs(1 / np.log(quantiles))
    return dict(zip(("p10", "median", "p90"), steps.tolist(), strict=True))


def _shares(activations: Activations) -> dict[str, Any]:
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
