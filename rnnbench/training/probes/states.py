"""The states of a network at some steps, read forward, at its weights of the moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.tasks.stream import Stream
from rnnbench.training.network import first_layer_inputs, model_layers
from rnnbench.training.probes.recorder import Recorder

_AT_ONCE = 250
"""Examples that are read together."""


class States(NamedTuple):
    """Of one stream."""

    joint: np.ndarray
    """(B, S, width): all states of all recurrent layers beside each other, after the S steps that are shown; of a
    network without any, its output there."""
    output: np.ndarray
    """(B, R, units): what the head reads."""


class StateReader:
    """Reads the states of a network that `training.network.build` made.

    The loops are those of Keras: they take no buffer, and nothing is compiled for a length.
    """

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        self._layers = [Recorder(layer.cell) if hasattr(layer, "cell") else layer for layer in model_layers(network)]
        self._read = tf.function(self._at, reduce_retracing=True, autograph=False)

    def read(self, streams: Sequence[Stream], shown: Sequence[np.ndarray], read: Sequence[np.ndarray]) -> list[States]:
        """Of each stream the states after the steps `shown`, (B, S), and the outputs after those `read`, (B, R).

        Streams of all lengths are read together: what a causal network does at a step depends on no later one.
        """
        parts = {
            "features": [one.features for one in streams if one.features is not None],
            "tokens": [one.tokens for one in streams if one.tokens is not None],
            "shown": shown,
            "read": read,
        }
        whole = {name: _joined(of_streams) for name, of_streams in parts.items() if of_streams}
        examples = len(whole["read"])
        found = [
            self._read_some({name: tf.constant(part[first : first + _AT_ONCE]) for name, part in whole.items()})
            for first in range(0, examples, _AT_ONCE)
        ]
        joint, output = (np.concatenate([part.numpy() for part in parts]) for parts in zip(*found, strict=True))
        ends = np.cumsum([0, *(one.examples for one in streams)])
        return [
            States(joint[start:end], output[start:end, : steps.shape[1]])
            for start, end, steps in zip(ends, ends[1:], read, strict=False)
        ]

    def _read_some(self, parts: dict[str, Any]) -> tuple[Any, Any]:
        if not self._read.experimental_get_tracing_count():
            # One trace for batches and sequences of all lengths.
            self._read.get_concrete_function(
                {name: tf.TensorSpec([None, None, *part.shape[2:]], part.dtype) for name, part in parts.items()}
            )
        joint, output = self._read(parts)
        return joint, output

    def _at(self, parts: dict[str, Any]) -> tuple[Any, Any]:
        shown, read = parts["shown"][..., None], parts["read"][..., None]
        inputs = {name: part for name, part in parts.items() if name in ("features", "tokens")}
        values = first_layer_inputs(self._network, Stream(targets=read, **inputs))
        joint = []
        for layer in self._layers:
            if isinstance(layer, Recorder):
                values, *states = layer(values)
                joint += [ops.take_along_axis(state, shown, axis=1) for state in states]
            else:
                values = layer(values)
        joint = joint or [ops.take_along_axis(values, shown, axis=1)]
        return ops.concatenate(joint, axis=-1), ops.take_along_axis(values, read, axis=1)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """All examples, (B, T, ...), each filled up with zeros behind its end; steps as int32."""
    longest = max(part.shape[1] for part in parts)
    filled = [np.pad(part, [(0, 0), (0, longest - part.shape[1]), *[(0, 0)] * (part.ndim - 2)]) for part in parts]
    whole = np.concatenate(filled)
    return whole.astype(np.int32) if whole.dtype.kind == "i" else whole
