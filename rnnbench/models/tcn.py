"""TCN: temporal convolutional network (Bai, Kolter & Koltun 2018), which has no state: it sees a window of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from rnnbench.models.base import Model
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("tcn")
class TCN(Model):
    """The generic TCN of section 3: see `rnnbench.layers.tcn`.

    It cannot solve a stream whose evidence lies further back than its `receptive_field`. Such a run is still made, as
    this is what the architecture can do.
    """

    layers: int = Field(8, ge=1, le=16)
    """Residual blocks, each of two convolutions; every block doubles the receptive field."""
    kernel_size: int = Field(7, ge=2)
    """Steps that each convolution reads. The defaults are those of the authors' code for the adding problem and for
    pixel-wise MNIST: a receptive field of 3,061 steps."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the channels that are dropped after each convolution."""

    family: ClassVar[str] = "baseline"
    kernel_blocks: ClassVar[int] = 14

    @property
    def depth(self) -> int:
        return 1

    @property
    def receptive_field(self) -> int:
        """The last steps, the present one included, on which an output depends."""
        return 1 + 2 * (self.kernel_size - 1) * (2**self.layers - 1)

    def layer(self, name: str) -> keras.Layer:
        from rnnbench import layers

        return layers.TCN(self.units, self.layers, self.kernel_size, self.dropout, name=name)

    def layer_parameters(self, inputs: int) -> int:
        # A scale and a bias for each channel of a convolution.
        first, later = ((self.kernel_size * width + 2) * self.units for width in (inputs, self.units))
        skip = 0 if inputs == self.units else (inputs + 1) * self.units
        return first + (2 * self.layers - 1) * later + skip
