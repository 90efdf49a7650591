"""LSTM with layer normalisation (Ba, Kiros & Hinton 2016, arXiv:1607.06450)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnnbench.models.base import Activations, RNNModel
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("layer_norm_lstm")
class LayerNormLSTM(RNNModel):
    """An LSTM that normalises W_x x, W_h h and c (Ba, Kiros & Hinton 2016).

    Supplement, equations 20 to 22. Gains start at 1 and shifts at 0; kernels are Keras' (Glorot-uniform, and orthogonal
    for the recurrent one). The shifts of the normalised W_x x and W_h h are one with the bias.
    """

    forget_bias: float = 1.0
    """Initial forget bias, as that of `lstm`; the paper names none."""

    states: ClassVar[int] = 2
    kernel_blocks: ClassVar[int] = 4
    gate_names: ClassVar[tuple[str, ...]] = ("input", "forget", "candidate", "output")
    initial: ClassVar[frozenset[str]] = frozenset({"forget_bias"})

    def cell(self) -> keras.Layer:
        from rnnbench.layers.layer_norm_lstm import LayerNormLSTMCell

        return LayerNormLSTMCell(self.units)

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        layer.cell.bias.assign(np.repeat([0.0, self.forget_bias, 0.0, 0.0], self.units))

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """The three gates; tanh of the candidate and of the normalised new cell state."""
        i, f, candidate, o = cell.gates(inputs, states[0])
        squashed = cell.squashed(f * states[1] + i * candidate)
        return Activations({"input": i, "forget": f, "output": o}, {"candidate": candidate, "cell": squashed})

    def layer_parameters(self, inputs: int) -> int:
        # A bias and two gains for each unit of the four blocks; gain and shift of the cell state.
        return 4 * self.units * (inputs + self.units + 3) + 2 * self.units
