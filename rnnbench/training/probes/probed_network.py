"""The probed network: a float64 twin of `training.network.build` that adds a zero to every state at every step.

The derivative with respect to such a zero, a probe, is the total derivative with respect to the state.
"""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnbench.experiment.settings import Implementation
from rnnbench.layers import fast, has_fast_loop
from rnnbench.models.base import Model
from rnnbench.tasks.base import Task, Tokens
from rnnbench.training.probes.profile import STATE_NAMES


def probed_network(task: Task, model: Model, implementation: Implementation) -> tuple[keras.Model, np.ndarray]:
    """The twin, whose second input is the probes, and the name of each probe's state.

    Probes: (batch, time, width), beside each other, the lowest layer first. The names: (width,).
    """
    layers = [
        model.recurrent_layer(return_sequences=task.answers_every_step or index < model.layers - 1)
        for index in range(model.layers)
    ]
    sizes = [state_sizes(layer.cell) for layer in layers]
    probes = keras.Input((None, sum(map(sum, sizes))), dtype="float64")
    if isinstance(task.inputs, Tokens):
        inputs = keras.Input((None,), dtype="int32")
        states = keras.layers.Embedding(task.inputs.vocabulary, task.inputs.width, dtype="float64")(inputs)
    else:
        inputs = states = keras.Input((None, task.inputs.width), dtype="float64")
    start = 0
    names: list[str] = []
    for layer, own_sizes in zip(layers, sizes, strict=True):
        own = probes[:, :, start : start + sum(own_sizes)]
        states = _probed(layer, states, own, own_sizes, implementation)
        start += sum(own_sizes)
        for number, size in enumerate(own_sizes):
            names += [STATE_NAMES[number] if number < len(STATE_NAMES) else f"s{number}"] * size
    outputs = keras.layers.Dense(task.outputs, dtype="float64")(states)
    return keras.Model([inputs, probes], outputs), np.array(names)


def _probed(layer: keras.layers.RNN, inputs: Any, probes: Any, sizes: list[int], implementation: Implementation) -> Any:
    """The outputs of `layer` in float64, with `probes` added to its states."""
    if implementation == "fast" and has_fast_loop(fast(layer)):
        # Frozen, because the gradients with respect to its weights would be thrown away.
        twin = fast(type(layer).from_config({**layer.get_config(), "dtype": "float64", "trainable": False}))
        if has_fast_loop(twin):
            return twin(inputs, probes=ops.split(probes, len(sizes), axis=-1))
    cell = type(layer.cell).from_config({**layer.cell.get_config(), "dtype": "float64"})
    probed_class = ProbedLSTMCell if isinstance(cell, keras.layers.LSTMCell) else ProbedCell
    probed = probed_class(cell, inputs.shape[-1], dtype="float64")
    twin = keras.layers.RNN(probed, return_sequences=layer.return_sequences, dtype="float64")
    return twin(ops.concatenate([inputs, probes], axis=-1))


def state_sizes(cell: keras.Layer) -> list[int]:
    """Units of each state of a cell."""
    sizes = cell.state_size
    return list(sizes) if isinstance(sizes, list | tuple) else [sizes]


class ProbedCell(keras.Layer):
    """A recurrent cell that adds a probe to each new state.

    Input: (batch, width + sum of state sizes), the cell's input and the probes beside each other.
    """

    def __init__(self, cell: keras.Layer, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell, self.width = cell, width
        self.sizes = state_sizes(cell)
        self.state_size = cell.state_size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.cell.build((input_shape[0], self.width))

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        output, new_states = self.cell(inputs[:, : self.width], states)
        new_states = list(new_states) if isinstance(new_states, list | tuple) else [new_states]
        probed = [state + probe for state, probe in zip(new_states, self.probes(inputs), strict=True)]
        # A cell whose output is its state (all stock ones) must answer from the probed state.
        return (probed[0] if output is new_states[0] else output), probed

    def probes(self, inputs: Any) -> list[Any]:
        """The probe of each state."""
        ends = list(itertools.accumulate(self.sizes, initial=self.width))
        return [inputs[:, start:end] for start, end in itertools.pairwise(ends)]


class ProbedLSTMCell(ProbedCell):
    """An LSTM cell whose c is probed before h = o tanh(c) is taken, so that dl/dc_t includes what flows through h_t."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        features, cell, out = inputs[:, : self.width], self.cell, slice(3 * self.cell.units, None)
        _, (_, c) = cell(features, states)
        h_probe, c_probe = self.probes(inputs)
        output_gate = cell.recurrent_activation(
            features @ cell.kernel[:, out] + states[0] @ cell.recurrent_kernel[:, out] + cell.bias[out]
        )
        c = c + c_probe
        h = output_gate * cell.activation(c) + h_probe
        return h, [h, c]
