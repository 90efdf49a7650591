"""LSTM: long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000)."""

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


@register_model("lstm")
class LSTM(StockRNN):
    """Long short-term memory, `keras.layers.LSTM`."""

    initialization: Literal["default", "orthogonal", "chrono"] = "default"
    """`default`: Keras' (one orthogonal kernel over all blocks); `orthogonal`: each block by itself; `chrono`:
    forget bias log U(1, `chrono_max` - 1), input bias its negative (Tallec & Ollivier 2018, section 3)."""
    forget_bias: float = 1.0
    """Initial forget bias (Keras and Jozefowicz et al. 2015: 1); not used with `chrono`."""
    chrono_max: int | None = Field(None, ge=3)
    """Longest dependency that `chrono` prepares for, in steps; default: the length of the task's sequences."""

    keras_name: ClassVar[str] = "LSTM"
    states: ClassVar[int] = 2
    kernel_blocks: ClassVar[int] = 4
    gate_names: ClassVar[tuple[str, ...]] = ("input", "forget", "candidate", "output")
    initial: ClassVar[frozenset[str]] = frozenset({"initialization", "forget_bias", "chrono_max"})

    def canonical(self) -> Self:
        """Without the setting that `initialization` leaves unused."""
        if type(self).initialize is not LSTM.initialize:
            return self
        unused = "forget_bias" if self.initialization == "chrono" else "chrono_max"
        return self.model_copy(update={unused: type(self).model_fields[unused].default})

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        bias = np.zeros(4 * self.units)
        input_gate, forget_gate, _, _ = np.split(bias, 4)
        forget_gate[:] = self.forget_bias
        if self.initialization == "chrono":
            forget_gate[:] = initializers.chrono(self.units, self.chrono_max or length, rng)
            input_gate[:] = -forget_gate
        layer.cell.bias.assign(bias)
        if self.initialization == "orthogonal":
            layer.cell.recurrent_kernel.assign(initializers.block_orthogonal(4, self.units, rng))

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """The three gates; tanh of the candidate and of the new cell state c."""
        from keras import ops

        h, c = states
        products = ops.matmul(inputs, cell.kernel) + ops.matmul(h, cell.recurrent_kernel) + cell.bias
        by_block = dict(zip(self.gate_names, ops.split(products, 4, axis=-1), strict=True))
        candidate = cell.activation(by_block.pop("candidate"))
        gates = {name: cell.recurrent_activation(product) for name, product in by_block.items()}
        c = gates["forget"] * c + gates["input"] * candidate
        return Activations(gates, {"candidate": candidate, "cell": cell.activation(c)})

    def layer_parameters(self, inputs: int) -> int:
        return 4 * (self.units * (inputs + self.units) + self.units)
