"""What flows back through time: the gradient profile, and what is read off it.

The profile holds, for each example i of a fixed probe batch, the norm of the **total** derivative dl_i/dh_t of the loss
at the readout by the state at step t, with everything that flows through later steps (Pascanu, Mikolov & Bengio 2013,
section 2). It is taken in float64: a norm that shrinks by 0.64 a step leaves float32 after some 200 steps.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.experiment.settings import Implementation
from rnnbench.layers import fast, has_fast_loop
from rnnbench.models.base import Model
from rnnbench.tasks.base import Batch, Layout, Task, Tokens
from rnnbench.training.traced import for_every_length

STATE_NAMES = ("h", "c")
REACH_LEVEL = 1e-3


@dataclass(frozen=True)
class GradientProfile:
    """Norms by state and distance, each array of shape (examples, first readout step + 1).

    Column d holds ||dl/ds_t||_2 at t = first readout step - d. The states of stacked layers count as one vector.
    """

    layout: Layout
    norms: dict[str, np.ndarray]

    def median(self, state: str = "h") -> np.ndarray:
        """Median norm over the examples, by distance."""
        return np.median(self.norms[state], axis=0)

    def columns(self) -> dict[str, list]:
        """The profile as a table: `distance, state, median, low, high` (10% and 90% quantiles over the examples)."""
        table: dict[str, list] = {name: [] for name in ("distance", "state", "median", "low", "high")}
        for state, norms in self.norms.items():
            low, median, high = np.quantile(norms, [0.1, 0.5, 0.9], axis=0)
            table["distance"] += range(norms.shape[1])
            table["state"] += [state] * norms.shape[1]
            for name, values in (("median", median), ("low", low), ("high", high)):
                table[name] += values.tolist()
        return table

    def summary(self, state: str = "h") -> dict[str, float]:
        """`survival`, `decay_per_step` and `reach` of the median profile; those that are undefined are left out."""
        median, lag = self.median(state), self.layout.lag
        found = {
            "survival": survival(median, self.layout),
            "decay_per_step": decay_per_step(median, 1, lag),
            "reach": reach(median),
        }
        return {name: value for name, value in found.items() if np.isfinite(value)}


def survival(median: np.ndarray, layout: Layout) -> float:
    """Mean norm over the evidence steps / norm at the first readout step."""
    return float(median[layout.lag + 1 :].mean() / median[0]) if median[0] > 0 else float("nan")


def decay_per_step(median: np.ndarray, first: int, last: int) -> float:
    """exp of the least-squares slope of log norm against distance, over the distances `first`..`last`.

    nan where there are fewer than two of them, or a norm is 0 or not finite.
    """
    distance, norms = np.arange(first, last + 1), median[first : last + 1]
    if len(distance) < 2 or not ((norms > 0) & np.isfinite(norms)).all():
        return float("nan")
    return float(np.exp(np.polyfit(distance, np.log(norms), 1)[0]))


def reach(median: np.ndarray) -> float:
    """The shortest distance at which the norm is `REACH_LEVEL` of the readout's or less.

    nan if it never is, or the readout's is 0.
    """
    if not median[0] > 0:
        return float("nan")
    below = np.flatnonzero(median <= REACH_LEVEL * median[0])
    return float(below[0]) if len(below) else float("nan")


class ProbedCell(keras.Layer):
    """A recurrent cell that adds a probe to each new state; the derivative by a zero probe is that by the state.

    Input: (batch, width + sum of state sizes), the cell's input and the probes beside each other.
    """

    def __init__(self, cell: keras.Layer, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell, self.width = cell, width
        self.sizes = _state_sizes(cell)
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
    """An LSTM cell whose c is probed before h = o tanh(c) is taken: dl/dc_t is total, it flows through h_t too."""

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


class GradientProbe:
    """Takes gradient profiles of the networks that one (task, model) pair builds, at the weights it was last given.

    `implementation="stock"` (default) adds the probes to the states of stock cells; `"fast"` reads the gradient out of
    the backward pass of `rnnbench.layers` where that covers the model.
    """

    def __init__(self, task: Task, model: Model, implementation: Implementation = "stock") -> None:
        self._task = task
        self._network, states = _probed_network(task, model, implementation)
        self.width = len(states)
        """Probes at each step: the units of all states of all layers."""
        self._places = {str(state): np.flatnonzero(states == state) for state in dict.fromkeys(states)}
        self._gradient = for_every_length(self._gradient_by_probes)
        self._norms = for_every_length(self._norms_by_state)

    def load(self, weights: list[np.ndarray]) -> None:
        """Take the weights of a network that `models.network.build` made (`network.get_weights()`)."""
        self._network.set_weights(weights)

    def profile(self, layout: Layout, batch: Batch) -> GradientProfile:
        """The profile on `batch`, whose sequences have `layout`."""
        steps = slice(layout.first_readout, None, -1)
        inputs, targets = batch
        norms = self._norms(self._inputs(inputs), targets)
        return GradientProfile(layout, {state: norm.numpy()[:, steps] for state, norm in norms.items()})

    def gradient(self, batch: Batch) -> np.ndarray:
        """dl_i/ds_t of every example, step and state, (batch, time, width) float64."""
        inputs, targets = batch
        return self._gradient(self._inputs(inputs), targets).numpy()

    def by_state(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """(batch, time, width) apart into `h`, and `c` where the cell has one."""
        return {state: values[..., places] for state, places in self._places.items()}

    def outputs(self, inputs: np.ndarray, probes: np.ndarray) -> np.ndarray:
        """The network's answers, in float64, with `probes` added to its states (zero ones where it is fast)."""
        return self._network([tf.constant(self._inputs(inputs)), tf.constant(probes)]).numpy()

    def _inputs(self, inputs: np.ndarray) -> np.ndarray:
        return inputs if inputs.dtype == np.int32 else inputs.astype(np.float64)

    def _norms_by_state(self, inputs: Any, targets: Any) -> dict[str, Any]:
        gradient = self._gradient_by_probes(inputs, targets)
        return {state: tf.norm(tf.gather(gradient, at, axis=-1), axis=-1) for state, at in self._places.items()}

    def _gradient_by_probes(self, inputs: Any, targets: Any) -> Any:
        probes = tf.zeros((*tf.unstack(tf.shape(inputs)[:2]), self.width), tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(probes)
            # Examples do not touch each other, so the gradient of the sum holds every example's own.
            loss = ops.sum(self._task.readout_loss(targets, self._network([inputs, probes])))
        return tape.gradient(loss, probes)


def _state_sizes(cell: keras.Layer) -> list[int]:
    sizes = cell.state_size
    return list(sizes) if isinstance(sizes, list | tuple) else [sizes]


def _probed_network(task: Task, model: Model, implementation: Implementation) -> tuple[keras.Model, np.ndarray]:
    """A float64 twin of `models.network.build` with a second input, the probes, and the name of each probe's state."""
    stock = [
        model.recurrent_layer(return_sequences=task.answers_every_step or index < model.layers - 1)
        for index in range(model.layers)
    ]
    sizes = [_state_sizes(layer.cell) for layer in stock]
    probes = keras.Input((None, sum(map(sum, sizes))), dtype="float64")
    if isinstance(task.inputs, Tokens):
        inputs = keras.Input((None,), dtype="int32")
        states = keras.layers.Embedding(task.inputs.vocabulary, task.inputs.width, dtype="float64")(inputs)
    else:
        inputs = states = keras.Input((None, task.inputs.width), dtype="float64")
    start, names = 0, []
    for unprobed, own_sizes in zip(stock, sizes, strict=True):
        layer = _probed_layer(unprobed, states.shape[-1], implementation)
        own = probes[:, :, start : start + sum(own_sizes)]
        if has_fast_loop(layer):
            states = layer(states, probes=ops.split(own, len(own_sizes), axis=-1))
        else:
            states = layer(ops.concatenate([states, own], axis=-1))
        start += sum(own_sizes)
        for number, size in enumerate(own_sizes):
            names += [STATE_NAMES[number] if number < len(STATE_NAMES) else f"s{number}"] * size
    outputs = keras.layers.Dense(task.outputs, dtype="float64")(states)
    return keras.Model([inputs, probes], outputs), np.array(names)


def _probed_layer(layer: keras.layers.RNN, width: int, implementation: Implementation) -> keras.layers.RNN:
    """`layer`, which reads `width` features, in float64 and with probes."""
    if implementation == "fast" and has_fast_loop(fast(layer)):
        # Frozen, because the gradients by its weights would be thrown away.
        return fast(type(layer).from_config({**layer.get_config(), "dtype": "float64", "trainable": False}))
    cell = type(layer.cell).from_config({**layer.cell.get_config(), "dtype": "float64"})
    probed_class = ProbedLSTMCell if isinstance(cell, keras.layers.LSTMCell) else ProbedCell
    probed = probed_class(cell, width, dtype="float64")
    return keras.layers.RNN(probed, return_sequences=layer.return_sequences, dtype="float64")
