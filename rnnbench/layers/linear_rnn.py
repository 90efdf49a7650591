"""Linear recurrent layers: all coefficients from one product, the states from one loop, all outputs from them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from rnnbench.layers.cell import Cell, tapped
from rnnbench.layers.linear_recurrence import linear_recurrence, parallel_recurrence, plus, times
from rnnbench.layers.recurrent import FastLoop, hook_is_known

Tensors = Sequence[Any]


class LinearCell(Cell):
    """h_t = a_t h_{t-1} + b_t, unit by unit, where a_t and b_t depend on the inputs of step t alone.

    With two `states` the recurrence is complex, and they are its real and imaginary part. As a cell it takes a step;
    `rnnbench.layers.fast` makes a `LinearRNN` of `keras.layers.RNN` over it. Its methods take one step, (batch, width),
    or time-major sequences, (time, batch, width), whose products are those of `linear_product`.
    """

    @abstractmethod
    def coefficients(self, inputs: Any) -> tuple[Tensors, Tensors]:
        """a and b, (..., units) each and as many as there are states; a may be (units,), the same at every step."""

    def read(self, states: Tensors, inputs: Any) -> Any:
        """The output, (..., units), of the new states and the inputs; by default the state."""
        return states[0]

    def call(self, inputs: Any, states: Any, taps: Tensors | None = None) -> tuple[Any, list[Any]]:
        a, b = self.coefficients(inputs)
        new = plus(times(a, list(states) if isinstance(states, list | tuple) else [states]), b)
        new = [tapped(state, taps, index) for index, state in enumerate(new)]
        return self.read(new, inputs), new

    def fast_layer(self, layer: keras.layers.RNN) -> LinearRNN:
        """What `rnnbench.layers.fast` puts in place of `layer`, which goes over this cell."""
        return LinearRNN.from_config(layer.get_config())


@keras.saving.register_keras_serializable(package="rnnbench")
class LinearRNN(FastLoop, keras.layers.RNN):
    """`keras.layers.RNN` over a `LinearCell`, fast on a CPU: see `FastLoop` for probes, steps and what is not covered.

    On a GPU the states come from `keras.ops.associative_scan`, unless there are probes, steps or cuts.
    """

    cell: LinearCell

    @property
    def has_fast_loop(self) -> bool:
        return self._is_plain and not on_gpu()

    @property
    def _is_plain(self) -> bool:
        cell = self.cell
        return (
            hook_is_known(keras.layers.RNN)
            and keras.backend.backend() == "tensorflow"
            and not (self.unroll or self.go_backwards)
            and cell.compute_dtype == cell.variable_dtype
            and cell.compute_dtype in ("float32", "float64")
        )

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        unusual = self._probes is not None or self._steps is not None or self.truncate is not None
        if self._is_plain and on_gpu() and not unusual and not any(one is not None for one in tf.nest.flatten(mask)):
            return self._looped(sequences, initial_state, parallel_recurrence)
        return super().inner_loop(sequences, initial_state, mask, training)

    def _fast_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool) -> Any:
        def states(a: Tensors, b: Tensors, start: Tensors) -> Tensors:
            return linear_recurrence(a, b, start, self._steps, self.truncate)

        return self._looped(sequences, initial_state, states)

    def _looped(self, sequences: Any, initial_state: Any, recurrence: Callable[..., Tensors]) -> Any:
        """Last output, all outputs, last states. `recurrence(a, b, start)` gives all states."""
        cell, taken = self.cell, self._steps
        inputs = tf.transpose(tf.cast(sequences, cell.compute_dtype), (1, 0, 2))
        length, batch = (known or tf.shape(inputs)[at] for at, known in enumerate(inputs.shape[:2]))
        a, b = cell.coefficients(inputs)
        a = [tf.broadcast_to(one, (batch, cell.units)) if one.shape.rank == 1 else one for one in a]
        start = [tf.broadcast_to(state, (batch, cell.units)) for state in initial_state]
        if self._probes is not None:
            b = plus(b, [tf.transpose(probe, (1, 0, 2)) for probe in self._probes])
        states = recurrence(a, b, start)
        t = tf.range(length)[:, None, None]
        # A sum, as XLA would compile the gradient of a slice for each place.
        is_last = t == (length if taken is None else taken) - 1
        *last, last_inputs = (
            tf.reduce_sum(tf.where(is_last, rows, tf.zeros_like(rows)), 0) for rows in (*states, inputs)
        )
        if not self.return_sequences:
            output = cell.read(last, last_inputs)
            return output, output[:, None], last
        outputs = cell.read(states, inputs)
        if taken is not None:
            outputs = tf.where(t < taken, outputs, tf.zeros_like(outputs))
        outputs = tf.transpose(outputs, (1, 0, 2))
        return outputs[:, -1], outputs, last


def on_gpu() -> bool:
    """Whether there is a GPU that the layer would run on."""
    return bool(tf.config.list_logical_devices("GPU"))
