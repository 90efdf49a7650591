"""The states of a network at some steps, read forward, at its weights of the moment."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.tasks.stream import Stream
from rnnbench.training.network import first_layer_inputs, model_layers
from rnnbench.training.probes.recorder import Recorder


class States(NamedTuple):
    """At the steps that were asked for, S of each example."""

    joint: np.ndarray
    """(B, S, width): all states of all recurrent layers beside each other; of a network without any, its output."""
    output: np.ndarray
    """(B, S, units): what the head would read there."""


class StateReader:
    """Reads the states of a network that `training.network.build` made.

    The loops are those of Keras: they take no buffer, and nothing is compiled for a length.
    """

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        self._layers = [Recorder(layer.cell) if hasattr(layer, "cell") else layer for layer in model_layers(network)]
        self._read = tf.function(self._at, reduce_retracing=True, autograph=False)

    def read(self, stream: Stream, steps: np.ndarray) -> States:
        """The states after `steps`, (B, S)."""
        given = {"features": stream.features, "tokens": stream.tokens, "steps": np.asarray(steps, np.int32)}
        parts = {name: tf.constant(part) for name, part in given.items() if part is not None}
        if not self._read.experimental_get_tracing_count():
            # One trace for batches and sequences of all lengths.
            self._read.get_concrete_function(
                {name: tf.TensorSpec([None, None, *part.shape[2:]], part.dtype) for name, part in parts.items()}
            )
        joint, output = self._read(parts)
        return States(joint.numpy(), output.numpy())

    def _at(self, parts: dict[str, Any]) -> tuple[Any, Any]:
        steps = parts["steps"][..., None]
        inputs = {name: part for name, part in parts.items() if name != "steps"}
        values = first_layer_inputs(self._network, Stream(targets=steps, **inputs))
        joint = []
        for layer in self._layers:
            if isinstance(layer, Recorder):
                values, *states = layer(values)
                joint += [ops.take_along_axis(state, steps, axis=1) for state in states]
            else:
                values = layer(values)
        output = ops.take_along_axis(values, steps, axis=1)
        return ops.concatenate(joint, axis=-1) if joint else output, output
