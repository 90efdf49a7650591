"""Taps: zeros added to a signal at every step. The derivative by such a zero is the total one by the signal.

A recurrent layer taps each of its states, any other model the input of its lowest layer.
"""

from __future__ import annotations

import itertools
from typing import Any

import keras
from keras import ops

from rnnbench.layers import has_fast_loop, truncated
from rnnbench.layers.cell import takes_taps
from rnnbench.training.probes.profile import INPUT, STATE_NAMES


def tap_widths(index: int, layer: Any, width: int) -> dict[str, int]:
    """The signals of the layer at `index` (0: the lowest) that are tapped, by name, with the units of each.

    `width`: features that the layer reads.
    """
    if not isinstance(layer, keras.layers.RNN):
        return {INPUT: width} if index == 0 else {}
    sizes = state_sizes(layer.cell)
    return {STATE_NAMES[at] if at < len(STATE_NAMES) else f"s{at}": size for at, size in enumerate(sizes)}


def state_sizes(cell: keras.Layer) -> list[int]:
    """Units of each state of a cell."""
    sizes = cell.state_size
    return list(sizes) if isinstance(sizes, list | tuple) else [sizes]


def tapped_call(layer: Any, inputs: Any, taps: Any, truncate: int | None) -> Any:
    """The outputs of `layer`, with `taps`, (batch, time, units of all that is tapped), added."""
    if not isinstance(layer, keras.layers.RNN):
        return layer(inputs if taps is None else inputs + taps)
    sizes = state_sizes(layer.cell)
    if has_fast_loop(layer):
        # Frozen, because the gradients with respect to its weights would be thrown away.
        layer.trainable = False
        return layer(inputs, probes=_of_each_state(taps, sizes))
    cell = TappedCell(layer.cell, inputs.shape[-1])
    twin = keras.layers.RNN(cell, return_sequences=layer.return_sequences, name=layer.name)
    return truncated(twin, truncate)(ops.concatenate([inputs, taps], axis=-1))


def _of_each_state(taps: Any, sizes: list[int]) -> list[Any]:
    ends = itertools.accumulate(sizes, initial=0)
    return [taps[..., start:end] for start, end in itertools.pairwise(ends)]


class TappedCell(keras.Layer):
    """A recurrent cell that adds a tap to each new state.

    Input: (batch, width + sum of state sizes), the cell's input and the taps beside each other.
    """

    def __init__(self, cell: keras.Layer, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell, self.width = cell, width
        self.sizes = state_sizes(cell)
        self.state_size = cell.state_size
        self.output_size = getattr(cell, "output_size", None)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.cell.build((input_shape[0], self.width))

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        if takes_taps(self.cell):
            return self.cell(inputs[:, : self.width], states, taps=self.taps(inputs))
        output, new_states = self.cell(inputs[:, : self.width], states)
        new_states = list(new_states) if isinstance(new_states, list | tuple) else [new_states]
        tapped = [state + tap for state, tap in zip(new_states, self.taps(inputs), strict=True)]
        # A cell whose output is its state (all stock ones) must answer from the tapped state.
        return (tapped[0] if output is new_states[0] else output), tapped

    def taps(self, inputs: Any) -> list[Any]:
        """The tap of each state."""
        return _of_each_state(inputs[:, self.width :], self.sizes)
