"""The temporal convolutional network of Bai, Kolter & Koltun 2018 (arXiv:1803.01271, section 3) as a Keras layer."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

Shape = tuple[Any, ...]


@keras.saving.register_keras_serializable(package="rnnbench")
class TCN(keras.Layer):
    """(batch, time, width) to (batch, time, units): residual blocks, the i-th of dilation 2^i; causal, for any length.

    An output depends on the last 1 + 2 (kernel_size - 1) (2^layers - 1) inputs; before the first step are zeros.
    `layers`: residual blocks. `dropout`: share of the channels that are dropped, each at all steps of an example, after
    each convolution (spatial dropout: section 3.4; the authors' code drops single values).

    The convolutions are weight-normalised, as in section 3.4 and in the authors' code (locuslab/TCN). That code means
    to draw all kernels from N(0, 0.01), which has no effect on a weight-normalised one (issue 1 there): these start
    from PyTorch's default, U(-1/sqrt(fan in), 1/sqrt(fan in)), as all biases do, and only the 1x1 convolution from
    N(0, 0.01). So it is here, as the published results come from there.
    """

    def __init__(self, units: int, layers: int, kernel_size: int, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.kernel_size, self.dropout = units, kernel_size, dropout
        self.blocks = [
            ResidualBlock(units, kernel_size, 2**index, dropout, name=f"block_{index}", dtype=self.dtype_policy)
            for index in range(layers)
        ]

    def build(self, input_shape: Shape) -> None:
        for block in self.blocks:
            block.build(input_shape)
            input_shape = block.compute_output_shape(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        for block in self.blocks:
            inputs = block(inputs, training=training)
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        own = {
            "units": self.units,
            "layers": len(self.blocks),
            "kernel_size": self.kernel_size,
            "dropout": self.dropout,
        }
        return super().get_config() | own


class ResidualBlock(keras.Layer):
    """relu(x + F(x)), where F is two dilated causal convolutions, each with ReLU and dropout (section 3.4, figure 1b).

    Where their widths differ, x passes a 1x1 convolution first.
    """

    def __init__(self, units: int, kernel_size: int, dilation: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.convolutions = [
            CausalConvolution(units, kernel_size, dilation, name=f"convolution_{index}", dtype=self.dtype_policy)
            for index in range(2)
        ]
        self.dropouts = [keras.layers.SpatialDropout1D(dropout, dtype=self.dtype_policy) for _ in range(2)]
        self.skip: keras.Layer | None = None

    def build(self, input_shape: Shape) -> None:
        width = input_shape[-1]
        if width != self.units:
            self.skip = keras.layers.Dense(
                self.units,
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
                bias_initializer=uniform(fan_in=width),
                name="skip",
                dtype=self.dtype_policy,
            )
            self.skip.build(input_shape)
        for convolution in self.convolutions:
            convolution.build(input_shape)
            input_shape = self.compute_output_shape(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        outputs = inputs
        for convolution, dropout in zip(self.convolutions, self.dropouts, strict=True):
            outputs = dropout(ops.relu(convolution(outputs)), training=training)
        return ops.relu(outputs + (inputs if self.skip is None else self.skip(inputs)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)


class CausalConvolution(keras.Layer):
    """y_t = b + sum_j x_{t - (k - 1 - j) dilation} W_j, with W = scale v / |v| for each channel of y.

    v, the `kernel`, is (kernel_size, width, units); its norm |v| over all but the last axis and `scale` are (units,)
    (weight normalisation: Salimans & Kingma 2016, section 2). `scale` starts as |v|, so that W starts as v.
    """

    def __init__(self, units: int, kernel_size: int, dilation: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.kernel_size, self.dilation = units, kernel_size, dilation

    def build(self, input_shape: Shape) -> None:
        shape = (self.kernel_size, input_shape[-1], self.units)
        fan_in = math.prod(shape[:-1])
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=uniform(fan_in))
        self.scale = self.add_weight(name="scale", shape=shape[-1:], initializer=self._initial_scale)
        self.bias = self.add_weight(name="bias", shape=shape[-1:], initializer=uniform(fan_in))

    def call(self, inputs: Any) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        past = (self.kernel_size - 1) * self.dilation
        padded = ops.pad(inputs, ((0, 0), (past, 0), (0, 0)))
        return ops.conv(padded, kernel * (self.scale / norm(kernel)), dilation_rate=self.dilation) + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def _initial_scale(self, shape: Shape, dtype: str) -> Any:
        return ops.cast(norm(ops.convert_to_tensor(self.kernel)), dtype)


def norm(kernel: Any) -> Any:
    """(units,): of each output channel's weights."""
    return ops.sqrt(ops.sum(ops.square(kernel), axis=(0, 1)))


def uniform(fan_in: int) -> keras.initializers.Initializer:
    """PyTorch's default for weights and biases."""
    bound = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)
