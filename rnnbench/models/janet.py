"""JANET: an LSTM with its forget gate alone (van der Westhuizen & Lasenby 2018, arXiv:1804.04849)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from rnnbench.models import initializers
from rnnbench.models.base import Activations, RNNModel
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("janet")
class JANET(RNNModel):
    """An LSTM with its forget gate alone (van der Westhuizen & Lasenby 2018).

    h_t = sigmoid(s_t) h_{t-1} + (1 - sigmoid(s_t - beta)) h~_t, with a tanh candidate h~_t: section 3.

    The forget bias is chrono-initialised, log U(1, `chrono_max` - 1), and that of the candidate 0 (after
    Tallec & Ollivier 2018); kernels are Glorot-uniform, as in the authors' code.
    """

    beta: float = 1.0
    """How much more a step is let in than the gate forgets."""
    chrono_max: int | None = Field(None, ge=3)
    """Longest dependency that the forget bias prepares for, in steps; default: the length of the task's sequences."""

    kernel_blocks: ClassVar[int] = 2
    gate_names: ClassVar[tuple[str, ...]] = ("forget", "candidate")
    initial: ClassVar[frozenset[str]] = frozenset({"chrono_max"})

    def cell(self) -> keras.Layer:
        from rnnbench.layers.janet import JANETCell

        return JANETCell(self.units, self.beta)

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        forget = initializers.chrono(self.units, self.chrono_max or length, rng)
        layer.cell.bias.assign(np.concatenate([forget, np.zeros(self.units)]))

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """The gate; tanh of the candidate."""
        from keras import ops

        forget, candidate = cell.forget_and_candidate(inputs, states[0])
        return Activations({"forget": ops.sigmoid(forget)}, {"candidate": candidate})

    def layer_parameters(self, inputs: int) -> int:
        return 2 * self.units * (inputs + self.units + 1)
