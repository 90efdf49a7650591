"""A causal Transformer (Vaswani et al. 2017) with its normalisation first (Xiong et al. 2020) as a Keras layer."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

Shape = tuple[Any, ...]

LONGEST_WAVE = 10_000
"""Of the positions, in steps, divided by 2 pi (Vaswani et al., section 3.5)."""
FEED_FORWARD = 4
"""Width of the feed-forward network, in `units` (section 3.3)."""


@keras.saving.register_keras_serializable(package="rnnbench")
class Transformer(keras.Layer):
    """(batch, time, width) to (batch, time, units): blocks of attention to all steps so far; causal, for any length.

    A projection to `units`, times sqrt(units) as the embeddings of section 3.4 are, plus sinusoidal positions, which
    exist for any length (section 3.5); `layers` blocks; one last layer normalisation (Xiong et al., figure 1b).
    `dropout`: of the sum with the positions and of what each half of a block adds (section 5.4). `heads` must divide
    `units`. Time and memory grow with the square of the length. All kernels start Glorot-uniform, all biases at 0.
    """

    def __init__(self, units: int, layers: int, heads: int, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units % heads:
            raise ValueError(f"heads must divide units, but {heads} does not divide {units}")
        self.units, self.heads, self.dropout = units, heads, dropout
        policy = self.dtype_policy
        self.projection = keras.layers.Dense(units, name="projection", dtype=policy)
        self.drop = keras.layers.Dropout(dropout, dtype=policy)
        self.blocks = [Block(units, heads, dropout, name=f"block_{index}", dtype=policy) for index in range(layers)]
        self.normalization = normalization("normalization", policy)

    def build(self, input_shape: Shape) -> None:
        self.projection.build(input_shape)
        shape = self.compute_output_shape(input_shape)
        for layer in (*self.blocks, self.normalization):
            layer.build(shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        projected = self.projection(inputs) * math.sqrt(self.units)
        states = self.drop(projected + positions(projected), training=training)
        for block in self.blocks:
            states = block(states, training=training)
        return self.normalization(states)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        own = {"units": self.units, "layers": len(self.blocks), "heads": self.heads, "dropout": self.dropout}
        return super().get_config() | own


class Block(keras.Layer):
    """x + A(norm(x)), then x + F(norm(x)): causal multi-head self-attention A, feed-forward network F with ReLU.

    Vaswani et al., sections 3.2 and 3.3; the normalisation comes first as in Xiong et al., figure 1b.
    """

    def __init__(self, units: int, heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.attention = keras.layers.MultiHeadAttention(
            heads, units // heads, kernel_initializer=glorot(units), name="attention", dtype=policy
        )
        self.hidden = keras.layers.Dense(FEED_FORWARD * units, activation="relu", name="hidden", dtype=policy)
        self.output_projection = keras.layers.Dense(units, name="output", dtype=policy)
        self.normalizations = [normalization(f"normalization_{index}", policy) for index in range(2)]
        self.drops = [keras.layers.Dropout(dropout, dtype=policy) for _ in range(2)]

    def build(self, input_shape: Shape) -> None:
        for layer in (*self.normalizations, self.hidden):
            layer.build(input_shape)
        self.attention.build(input_shape, input_shape)
        self.output_projection.build(self.hidden.compute_output_shape(input_shape))

    def call(self, inputs: Any, training: bool = False) -> Any:
        normalized = self.normalizations[0](inputs)
        attended = self.attention(normalized, normalized, use_causal_mask=True, training=training)
        states = inputs + self.drops[0](attended, training=training)
        fed_forward = self.output_projection(self.hidden(self.normalizations[1](states)))
        return states + self.drops[1](fed_forward, training=training)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def positions(states: Any) -> Any:
    """(time, units) for `states` (batch, time, units): sines at even places, cosines at odd ones (section 3.5).

    Waves of 2 pi to `LONGEST_WAVE` x 2 pi steps.
    """
    # Half precision does not tell late steps from their neighbours.
    dtype = "float64" if states.dtype == "float64" else "float32"
    steps, places = (ops.arange(ops.shape(states)[axis], dtype=dtype) for axis in (1, 2))
    even = places % 2 == 0
    rates = ops.power(float(LONGEST_WAVE), -2 * (places // 2) / states.shape[-1])
    angles = steps[:, None] * rates
    return ops.cast(ops.where(even, ops.sin(angles), ops.cos(angles)), states.dtype)


def normalization(name: str, policy: Any) -> keras.Layer:
    """With an epsilon that only guards against a division by 0; Keras' 1e-3 would shrink small states."""
    return keras.layers.LayerNormalization(epsilon=1e-6, name=name, dtype=policy)


def glorot(units: int) -> keras.initializers.Initializer:
    """Glorot-uniform for maps of `units` to `units`.

    Keras' own takes the kernel of an attention, (units, heads, units / heads), for that of a convolution, and draws
    from a range that is several times too narrow.
    """
    bound = math.sqrt(6 / (units + units))
    return keras.initializers.RandomUniform(-bound, bound)
