"""SimpleRNN: h_t = tanh(W x_t + U h_{t-1} + b) (Elman 1990)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from rnnbench.models.base import Activations, Model
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("simple_rnn")
class SimpleRNN(Model):
    """`keras.layers.SimpleRNN`."""

    initialization: Literal["default", "orthogonal"] = "default"
    """One and the same for this layer: Keras' default draws the recurrent kernel orthogonal."""

    def recurrent_layer(self, **kwargs: Any) -> keras.layers.RNN:
        import keras

        return keras.layers.SimpleRNN(self.units, **kwargs)

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """The new state itself, a tanh."""
        from keras import ops

        products = ops.matmul(inputs, cell.kernel) + ops.matmul(states[0], cell.recurrent_kernel) + cell.bias
        return Activations({}, {"state": cell.activation(products)})

    def layer_parameters(self, inputs: int) -> int:
        return self.units * (inputs + self.units) + self.units
