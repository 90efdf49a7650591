"""SimpleRNN: h_t = f(W x_t + U h_{t-1} + b) (Elman 1990)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from rnnbench.models.base import Activations
from rnnbench.models.stock import StockRNN
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("simple_rnn")
class SimpleRNN(StockRNN):
    """Simple recurrent network, `keras.layers.SimpleRNN`; with `initialization: identity` and relu, the IRNN."""

    initialization: Literal["default", "orthogonal", "identity"] = "default"
    """`default` and `orthogonal` are the same here, as Keras draws this recurrent kernel orthogonal; `identity`: the
    recurrent kernel starts as the identity (Le, Jaitly & Hinton 2015, section 2, where the input weights are
    N(0, 0.001); here they are Keras')."""
    activation: Literal["tanh", "relu"] = "tanh"
    """f; `relu` is unbounded and diverges sooner."""

    keras_name: ClassVar[str] = "SimpleRNN"
    initial: ClassVar[frozenset[str]] = frozenset({"initialization"})

    @property
    def _options(self) -> dict[str, Any]:
        return super()._options | {"activation": self.activation}

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        if self.initialization == "identity":
            layer.cell.recurrent_kernel.assign(np.eye(self.units))

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """The new state itself, if it is a tanh."""
        if self.activation != "tanh":
            return Activations({}, {})
        from keras import ops

        products = ops.matmul(inputs, cell.kernel) + ops.matmul(states[0], cell.recurrent_kernel) + cell.bias
        return Activations({}, {"state": cell.activation(products)})

    def layer_parameters(self, inputs: int) -> int:
        return self.units * (inputs + self.units) + self.units
