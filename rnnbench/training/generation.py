"""A trained network that reads some tokens at a time and goes on where it was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.errors import UserError
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream
from rnnbench.training.network import build, first_layer_inputs, model_layers

if TYPE_CHECKING:
    from rnnbench.models.base import Model


class NetworkReader:
    """Reads with a network that `training.network.build` made, at its weights of the moment.

    Recurrent layers carry their states on; of a network with any other layer the last `window` tokens are read anew.
    """

    def __init__(self, network: keras.Model, window: int) -> None:
        self._network, self._window = network, window
        layers = model_layers(network)
        self._cells = [layer.cell for layer in layers if hasattr(layer, "cell")]
        self._carries = len(self._cells) == len(layers)
        self._layers = (
            [keras.layers.RNN(cell, return_sequences=True, return_state=True) for cell in self._cells]
            if self._carries
            else layers
        )
        self._on = tf.function(self._carried, reduce_retracing=True, autograph=False)

    def read(self, tokens: np.ndarray, before: Any) -> tuple[np.ndarray, Any]:
        """The raw outputs, (outputs,), after `tokens`, (T,), and what to give as `before` to go on; None: the start."""
        if not self._carries:
            seen = tokens if before is None else np.concatenate([before, tokens])
            seen = seen[-self._window :]
            values = first_layer_inputs(self._network, _stream(seen[None]))
            for layer in self._layers:
                values = layer(values)
            return self._head(values), seen
        if before is None:
            before = [list(layer.get_initial_state(1)) for layer in self._layers]
        values, after = self._on(tf.constant(tokens[None]), before)
        return self._head(values), after

    def _carried(self, tokens: Any, before: list[Any]) -> tuple[Any, list[Any]]:
        values, after = first_layer_inputs(self._network, _stream(tokens)), []
        for layer, states in zip(self._layers, before, strict=True):
            values, *states = layer(values, initial_state=states)
            after.append(states)
        return values, after

    def _head(self, values: Any) -> np.ndarray:
        return np.asarray(ops.convert_to_numpy(self._network.get_layer("head")(values[:, -1])))[0]


def restored(task: Task, model: Model, file: bytes) -> NetworkReader:
    """A reader with the network that a run saved, the contents of a `.keras` file.

    Raises `UserError` where it is not of this task and model.
    """
    network = build(task, model, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(file)
        try:
            network.load_weights(path)
        except Exception as error:
            reason = " ".join(str(error).split())
            raise UserError(f"the model that was kept cannot be loaded: {reason}") from error
    return NetworkReader(network, task.layout.length)


def _stream(tokens: Any) -> Stream:
    return Stream(targets=tokens, tokens=tokens)
