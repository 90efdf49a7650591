"""Transformer: causal self-attention (Vaswani et al. 2017), which has no state: it sees all of the past at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from rnnbench.models.base import Model
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("transformer")
class Transformer(Model):
    """A decoder without a source, its normalisation first (Xiong et al. 2020): see `rnnbench.layers.transformer`.

    Time and memory grow with the square of the length of the sequences.
    """

    layers: int = Field(2, ge=1)
    """Blocks, each of attention and a feed-forward network of 4 x `units`."""
    heads: int = Field(4, ge=1)
    """Attentions side by side, each `units` / `heads` wide. They must divide `units`; with `match: parameters`, which
    keeps to their multiples, its default."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of values that are dropped, of what each half of a block adds and of the blocks' input (section 5.4)."""

    family: ClassVar[str] = "baseline"
    kernel_blocks: ClassVar[int] = 12

    @model_validator(mode="after")
    def _heads_share_the_units(self) -> Self:
        if self.units % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide units ({self.units})")
        return self

    @property
    def depth(self) -> int:
        return 1

    @property
    def unit_step(self) -> int:
        return self.heads

    def kept_values(self, length: int) -> int:
        return super().kept_values(length) + 2 * self.layers * self.heads * length

    def layer(self, name: str) -> keras.Layer:
        from rnnbench import layers

        return layers.Transformer(self.units, self.layers, self.heads, self.dropout, name=name)

    def layer_parameters(self, inputs: int) -> int:
        units = self.units
        attention, feed_forward, normalization = 4 * (units + 1) * units, (8 * units + 5) * units, 2 * units
        block = attention + feed_forward + 2 * normalization
        return (inputs + 1) * units + self.layers * block + normalization
