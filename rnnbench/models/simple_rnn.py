"""SimpleRNN: h_t = f(W x_t + U h_{t-1} + b) (Elman 1990)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnbench.identity.signature import Joined
from rnnbench.models.base import Activations, RNNModel
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("simple_rnn")
class SimpleRNN(RNNModel):
    """`keras.layers.SimpleRNN`. With `initialization: identity` and `activation: relu` it is the IRNN."""

    initialization: Literal["default", "orthogonal", "identity"] = "default"
    """`default` and `orthogonal` are the same here, as Keras draws this recurrent kernel orthogonal; `identity`: the
    recurrent kernel starts as the identity (Le, Jaitly & Hinton 2015, section 2, where the input weights are
    N(0, 0.001); here they are Keras')."""
    activation: Literal["tanh", "relu"] = "tanh"
    """f; `relu` is unbounded and diverges sooner."""
    dropout: Annotated[float, Joined(earlier=0.0)] = Field(0.0, ge=0, lt=1)
    """Share of the inputs that is dropped in training, the same at every step."""
    recurrent_dropout: Annotated[float, Joined(earlier=0.0)] = Field(0.0, ge=0, lt=1)
    """Share of the state that is dropped in training, the same at every step (Gal & Ghahramani 2016, section 4)."""

    initial: ClassVar[frozenset[str]] = frozenset({"initialization"})

    def cell(self) -> keras.Layer:
        import keras

        return keras.layers.SimpleRNNCell(self.units, **self._options)

    def layer(self, name: str) -> keras.layers.RNN:
        import keras

        # The layer of its own, which cuDNN knows.
        return keras.layers.SimpleRNN(self.units, return_sequences=True, name=name, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        return {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout, "activation": self.activation}

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
