"""Keras' own recurrent layers as models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from rnnbench.identity.signature import Joined
from rnnbench.models.base import RNNModel

if TYPE_CHECKING:
    import keras


class StockRNN(RNNModel):
    """One of Keras' recurrent layers, by its name there, with dropout."""

    dropout: Annotated[float, Joined(earlier=0.0)] = Field(0.0, ge=0, lt=1)
    """Share of the inputs that is dropped in training, the same at every step."""
    recurrent_dropout: Annotated[float, Joined(earlier=0.0)] = Field(0.0, ge=0, lt=1)
    """Share of the state that is dropped in training, the same at every step (Gal & Ghahramani 2016, section 4)."""

    family: ClassVar[str] = "core"
    keras_name: ClassVar[str]
    """`LSTM` for `keras.layers.LSTM` and `keras.layers.LSTMCell`."""

    def cell(self) -> keras.Layer:
        import keras

        return getattr(keras.layers, f"{self.keras_name}Cell")(self.units, **self._options)

    def layer(self, name: str) -> keras.layers.RNN:
        import keras

        # The layer of its own, which cuDNN knows.
        return getattr(keras.layers, self.keras_name)(self.units, return_sequences=True, name=name, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        """Further arguments of cell and layer."""
        return {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout}
