"""A trained network that reads some tokens at a time and goes on where it was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from rnnbench.errors import UserError
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream
from rnnbench.training.carried import CarriedNetwork, can_be_carried
from rnnbench.training.network import build, first_layer_inputs, model_layers

if TYPE_CHECKING:
    from rnnbench.models.base import Model


class NetworkReader:
    """Reads tokens with a network that `training.network.build` made, at its weights of the moment.

    Recurrent layers carry their states on; of a network with any other layer the last `window` tokens are read anew.
    """

    def __init__(self, network: keras.Model, window: int) -> None:
        self._network, self._window = network, window
        self._carried = CarriedNetwork(network) if can_be_carried(network) else None

    def read(self, tokens: np.ndarray, before: Any) -> tuple[np.ndarray, Any]:
        """The raw outputs, (outputs,), after `tokens`, (T,), and what to give as `before` to go on; None: the start."""
        if self._carried is not None:
            outputs, after = self._carried.read({"tokens": tokens[None]}, before)
            return outputs[0], after
        seen = (tokens if before is None else np.concatenate([before, tokens]))[-self._window :]
        values = first_layer_inputs(self._network, Stream(targets=seen[None], tokens=seen[None]))
        for layer in model_layers(self._network):
            values = layer(values)
        return np.asarray(ops.convert_to_numpy(self._network.get_layer("head")(values[:, -1])))[0], seen


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
