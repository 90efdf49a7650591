"""What the recurrent cells of our own have in common. They are Keras cells: `keras.layers.RNN` loops over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras


class Cell(keras.Layer):
    """A cell whose states and output have `units` units each.

    `call(inputs, states, taps=None)` gives the output, (batch, units), and the new states. `taps`: for each state zeros
    that are added to it once all states of the step are computed, before the output is computed from them. So the
    derivative by the taps is the total one by the joint state: by each state, with the others of the step held.
    """

    states: ClassVar[int] = 1

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.output_size = units
        self.state_size = [units] * self.states if self.states > 1 else units

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}


def tapped(state: Any, taps: Sequence[Any] | None, index: int) -> Any:
    """The new state at `index`, with its tap."""
    return state if taps is None else state + taps[index]


def takes_taps(cell: Any) -> bool:
    """Whether a cell adds taps itself."""
    return isinstance(cell, Cell)
