"""The stock loop of any recurrent layer with a gradient that is cut at some steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops, tree


class CutCell(keras.Layer):
    """A built recurrent cell that passes no gradient on to the states that enter steps `truncate`, twice that, ...

    Its last state, behind those of the cell, is the number of the step, an int32 scalar that starts at 0.
    """

    def __init__(self, cell: Any, truncate: int, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.cell, self.truncate = cell, truncate
        self.state_size = cell.state_size

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        *states, t = states
        cut = ops.logical_and(t % self.truncate == 0, t > 0)
        entering = tree.map_structure(lambda state: ops.where(cut, ops.stop_gradient(state), state), states)
        # As `keras.layers.RNN` asks its cell.
        options = {"training": training} if getattr(self.cell, "_call_has_training_arg", False) else {}
        output, new_states = self.cell(inputs, entering, **options)
        return output, [*(new_states if tree.is_nested(new_states) else [new_states]), t + 1]


def cut_loop(
    layer: keras.layers.RNN, truncate: int, sequences: Any, initial_state: Any, mask: Any = None, training: bool = False
) -> tuple[Any, Any, list[Any]]:
    """Last output, all outputs, last states, as from the `inner_loop` of `keras.layers.RNN` for `layer`, with cuts.

    Raises `ValueError` for a mask: Keras carries a state past a masked step without asking the cell.
    """
    if any(one is not None for one in tree.flatten(mask)):
        raise ValueError(f"layer '{layer.name}': a gradient that is cut every {truncate} steps cannot have a mask")
    # Names of their own, or Keras would count these layers in the names that it gives to others.
    frame = keras.layers.RNN(
        CutCell(layer.cell, truncate, name="cut_cell"),
        return_sequences=layer.return_sequences,
        go_backwards=layer.go_backwards,
        unroll=layer.unroll,
        name="cut",
    )
    states = list(initial_state) if tree.is_nested(initial_state) else [initial_state]
    start = ops.zeros((), "int32")
    last, outputs, (*states, _) = frame.inner_loop(sequences, [*states, start], None, training=training)
    return last, outputs, states
