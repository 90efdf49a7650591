"""GRU: gated recurrent unit (Cho et al. 2014), in the cuDNN form that Keras uses (`reset_after=True`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rnnbench.models import initializers
from rnnbench.models.base import Activations
from rnnbench.models.stock import StockRNN
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("gru")
class GRU(StockRNN):
    """Gated recurrent unit, `keras.layers.GRU`. Its gate z keeps the old state: h_t = z h_{t-1} + (1 - z) h~_t."""

    initialization: Literal["default", "orthogonal", "chrono"] = "default"
    """`default`: Keras' (one orthogonal kernel over all blocks); `orthogonal`: each block by itself; `chrono`:
    update bias log U(1, `chrono_max` - 1) (Tallec & Ollivier 2018, section 3)."""
    forget_bias: float = 0.0
    """Initial bias of the update gate, the GRU's forget gate (Keras: 0); not used with `chrono`."""
    chrono_max: int | None = Field(None, ge=3)
    """Longest dependency that `chrono` prepares for, in steps; default: the length of the task's sequences."""

    keras_name: ClassVar[str] = "GRU"
    kernel_blocks: ClassVar[int] = 3
    gate_names: ClassVar[tuple[str, ...]] = ("update", "reset", "candidate")
    initial: ClassVar[frozenset[str]] = frozenset({"initialization", "forget_bias", "chrono_max"})

    def canonical(self) -> Self:
        """Without the setting that `initialization` leaves unused."""
        if type(self).initialize is not GRU.initialize:
            return self
        unused = "forget_bias" if self.initialization == "chrono" else "chrono_max"
        return self.model_copy(update={unused: type(self).model_fields[unused].default})

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        # Two rows, added to the products of inputs and of state: one bias of the pair is enough.
        bias = np.zeros((2, 3 * self.units))
        update_gate = bias[0, : self.units]
        update_gate[:] = self.forget_bias
        if self.initialization == "chrono":
            update_gate[:] = initializers.chrono(self.units, self.chrono_max or length, rng)
        layer.cell.bias.assign(bias)
        if self.initialization == "orthogonal":
            layer.cell.recurrent_kernel.assign(initializers.block_orthogonal(3, self.units, rng))

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """The two gates; tanh of the candidate state."""
        from keras import ops

        of_inputs = ops.split(ops.matmul(inputs, cell.kernel) + cell.bias[0], 3, axis=-1)
        of_state = ops.split(ops.matmul(states[0], cell.recurrent_kernel) + cell.bias[1], 3, axis=-1)
        update, reset = (cell.recurrent_activation(of_inputs[block] + of_state[block]) for block in (0, 1))
        candidate = cell.activation(of_inputs[2] + reset * of_state[2])
        return Activations({"update": update, "reset": reset}, {"candidate": candidate})

    def layer_parameters(self, inputs: int) -> int:
        return 3 * (self.units * (inputs + self.units) + 2 * self.units)
