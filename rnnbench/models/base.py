"""What a model is: a causal layer with its size and its initialisation. Embedding and head are the same for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from rnnbench.identity.signature import Joined

if TYPE_CHECKING:
    import keras


OWN = "yours"
"""Family of models that are not built in."""


class Activations(NamedTuple):
    """Outputs of a cell's nonlinearities by name, each (batch, time, units)."""

    gates: dict[str, Any]
    """Logistic gates, between 0 and 1."""
    states: dict[str, Any]
    """Values of tanh, between -1 and 1."""


class Model(BaseModel, ABC):
    """A causal architecture: any layer whose output at a step depends on no later step.

    Its fields are its settings in an experiment file. Where a cell is all there is to it, see `RNNModel`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    units: int = Field(64, ge=1)
    """Width of the hidden state; under `match: parameters` and `match: state` the suite chooses it."""
    layers: int = Field(1, ge=1)
    """How many layers are stacked."""
    trainable: Annotated[Literal["all", "readout"], Joined(earlier="all")] = "all"
    """What is trained. `all`: every weight, by gradient descent; `readout`: nothing but the head, by a ridge regression
    on the states of the network as it was initialised, whose penalty is chosen on validation."""

    version: ClassVar[int] = 1
    """Of this class's own code, apart from its parents'; raised whenever a change of the code changes results.

    Part of the signatures of the runs of this class and its subclasses; a plug-in's class needs none."""
    kernel_blocks: ClassVar[int] = 1
    """Matrix products at each step, each the size of SimpleRNN's with its state: for the time estimate of `plan`."""
    gate_names: ClassVar[tuple[str, ...]] = ()
    """Names of the equal blocks of the cell's weights, gates and others, along the last axis; empty: one block."""
    initial: ClassVar[frozenset[str]] = frozenset()
    """Fields that only `initialize` reads: runs that differ in these alone share a compiled network."""
    family: ClassVar[str] = OWN
    """Group of `rnnbench list`: `core`, `cell` or `baseline` of the built-in models; a plug-in's class has its own or
    `yours`, whatever it inherits from."""
    causal: ClassVar[bool] = True
    """Whether no output depends on later steps. Bidirectional layers and encoders are not: they shortcut the lag."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "family" not in vars(cls) and not cls.__module__.startswith("rnnbench."):
            cls.family = OWN

    @property
    def depth(self) -> int:
        """How many of `layer` are stacked; 1 for a model whose layer holds all of its `layers`."""
        return self.layers

    @property
    def unit_step(self) -> int:
        """`units` are a multiple of it, as `match: parameters` must know."""
        return 1

    @abstractmethod
    def layer(self, name: str) -> keras.Layer:
        """One layer, not built yet: (batch, time, width) to (batch, time, `units`), causal, for any length."""

    @abstractmethod
    def layer_parameters(self, inputs: int) -> int:
        """Trainable parameters of one such layer that reads `inputs` features, in closed form."""

    def initialize(self, layer: keras.Layer, length: int, rng: np.random.Generator) -> None:
        """Set the built layer's weights where the model's options go beyond Keras' own initialisation.

        `length`: steps of the sequences it will read. Done here and not by custom Keras initialisers, so that a saved
        network whose layers are Keras' own loads without rnnbench.
        """

    @property
    def architecture(self) -> Model:
        """The model without its `initial` fields and `trainable`: what its compiled network depends on."""
        fields = type(self).model_fields
        return self.model_copy(update={name: fields[name].default for name in (*self.initial, "trainable")})

    def kept_values(self, length: int) -> int:
        """About how many numbers the backward pass needs of each example and step, for the memory estimate of `plan`.

        `length`: steps of a sequence.
        """
        return self.units * (self.kernel_blocks + 2) * self.layers

    def canonical(self) -> Self:
        """The simplest settings of the same computation: settings that share them are run once."""
        return self

    def unsupported(self, spec: Any) -> str | None:
        """Why a run cannot be done with this model; it is then `skipped`. Computed at `plan`, without TensorFlow.

        `spec`: the run, a `RunSpec`. None: it can be done; else a reason in one line, lower case, without a full stop.
        """
        return None

    def activations(self, cell: keras.Layer, inputs: Any, states: list[Any]) -> Activations:
        """Gates and tanh values of the built `cell`, from which saturation is measured; by default none.

        `inputs`: (batch, time, width), the layer's inputs; `states`: the values of each state before each step,
        (batch, time, units). Called for recurrent layers only.
        """
        return Activations({}, {})

    def parameters(self, inputs: int) -> int:
        """Trainable parameters of the whole stack."""
        return self.layer_parameters(inputs) + (self.depth - 1) * self.layer_parameters(self.units)

    def state_size(self) -> int | None:
        """Numbers that an example carries from step to step, in all layers: real ones, a complex one counts as two.

        None: there is no state of a fixed size.
        """
        return None


class RNNModel(Model):
    """A model for which a cell is enough: its loop, probes and saturation come with it."""

    family: ClassVar[str] = "cell"
    states: ClassVar[int] = 1
    """How many states the cell has, each of `units` numbers; where they differ in size, override `state_size`."""

    @abstractmethod
    def cell(self) -> keras.Layer:
        """A Keras RNN cell of `units` units, not built yet: any layer with a `state_size` that
        `keras.layers.RNN` can loop over."""

    def layer(self, name: str) -> keras.layers.RNN:
        """`keras.layers.RNN` over the cell; its `cell` is what `initialize` finds the weights in."""
        import keras

        return keras.layers.RNN(self.cell(), return_sequences=True, name=name)

    def state_size(self) -> int:
        return self.states * self.units * self.layers
