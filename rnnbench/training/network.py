"""The network around a model's layers: embedding, reading and head, built here for all models.

Ports, then the layers, then the states at the steps that are read, then one dense head: (batch, R, outputs). The head
is computed at the steps that are read only.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnbench.errors import UserError
from rnnbench.experiment.settings import Implementation
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream
from rnnbench.training.buffers import STEPS

if TYPE_CHECKING:
    import keras

    from rnnbench.models.base import Model


_LAYER = "layer_"
_INPUTS = ("features", "tokens", "readout")
"""Names of a network's inputs, in their order: those parts of a stream that it has."""

Call = Callable[[int, Any, Any], Any]
"""`(index, layer, inputs)` to the layer's outputs; the lowest layer is 0."""


def build(
    task: Task,
    model: Model,
    seed: int,
    network_class: Callable[[Any, Any], keras.Model] | None = None,
    implementation: Implementation = "stock",
    truncate: int | None = None,
    buffer: bool = False,
) -> keras.Model:
    """The untrained network of a run, with the weights that `seed` gives.

    Inputs, see `network_inputs`: features (batch, time, width) float32, tokens (batch, time) int32 and readout
    (batch, R) int32; batch and time are free. Output: (batch, R, outputs). `network_class` makes the network from its
    inputs and outputs (default `keras.Model`). `implementation="fast"` puts the layers of `rnnbench.layers` in place of
    the stock ones. They draw other initial weights, so it is for a network whose weights are set afterwards.
    `truncate`: steps between two cuts of the gradient. `buffer`: streams come in buffers, whose number of steps, (1,)
    int32, is the last input; only for models whose layers take it (`takes_steps`).
    `seed` seeds Keras' initializers and a model's `initialize`; draws of `tf.random` do not follow it.
    """
    import keras

    # Keras draws the seeds of its initializers from Python's generator; a plug-in may draw from NumPy's.
    # `keras.utils.set_random_seed` would seed TensorFlow too, which then drops all functions that it has traced: 0.4 s
    # for every run of a process.
    random.seed(seed)
    np.random.seed(seed)
    rng = np.random.default_rng(seed)

    def call(_: int, layer: Any, states: Any) -> Any:
        outputs = layer(states, steps=steps) if buffer else layer(states)
        model.initialize(layer, task.layout.length, rng)
        return outputs

    steps = keras.Input(batch_shape=(1,), dtype="int32", name=STEPS) if buffer else None
    inputs, outputs = connected(task, model, implementation, truncate, call, steps=steps)
    given = [*inputs.values(), *([steps] if buffer else [])]
    return (network_class or keras.Model)(given[0] if len(given) == 1 else given, outputs)


def connected(
    task: Task,
    model: Model,
    implementation: Implementation,
    truncate: int | None,
    call: Call,
    dtype: str | None = None,
    steps: Any = None,
) -> tuple[dict[str, Any], Any]:
    """The network's symbolic inputs by name, and its output. `call` connects each layer.

    `steps`: the symbolic number of steps, where streams come in buffers.
    """
    import keras

    from rnnbench.layers import fast, truncated

    ports = task.ports
    inputs = {}
    if ports.features:
        inputs["features"] = keras.Input((None, ports.features), dtype=dtype, name="features")
    if ports.vocabulary:
        inputs["tokens"] = keras.Input((None,), dtype="int32", name="tokens")
    if task.reads == "given":
        inputs["readout"] = keras.Input((None,), dtype="int32", name="readout")
    states = _embedded(task, inputs)
    last_only = task.reads == "end" and task.layout.readout == 1
    for index in range(model.depth):
        layer = model.layer(f"{_LAYER}{index}")
        _check_layer(task, model, layer)
        if implementation == "fast":
            layer = fast(layer)
        if isinstance(layer, keras.layers.RNN):
            layer.return_sequences = not last_only or index < model.depth - 1
            layer = truncated(layer, truncate)
        states = call(index, layer, states)
    head = keras.layers.Dense(task.outputs, name="head")
    # Of rank 2, where the layer gave its last state only.
    outputs = head(states)[:, None] if len(states.shape) == 2 else head(_read(task, states, inputs, steps))
    return inputs, outputs


def _embedded(task: Task, inputs: dict[str, Any]) -> Any:
    import keras

    parts = [inputs["features"]] if "features" in inputs else []
    if "tokens" in inputs:
        parts.append(keras.layers.Embedding(*task.ports[1:], name="embedding")(inputs["tokens"]))
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="ports")(parts)


def _read(task: Task, states: Any, inputs: dict[str, Any], steps: Any) -> Any:
    """The states at the steps that are read, (batch, R, units)."""
    from keras import ops

    read = task.layout.readout
    if task.reads == "given":
        return ops.take_along_axis(states, inputs["readout"][..., None], axis=1)
    if task.reads == "every step":
        return states
    if steps is None:
        return states[:, -read:]
    from rnnbench.layers.last_steps import LastSteps

    return LastSteps(read, name="readout_steps")(states, steps)


def _check_layer(task: Task, model: Model, layer: Any) -> None:
    """Raise `UserError` for a layer of Keras' that reads later steps, unless the task allows that."""
    import keras

    looks_ahead = isinstance(layer, keras.layers.Bidirectional) or getattr(layer, "go_backwards", False)
    if looks_ahead and not task.allows_lookahead:
        raise UserError(
            f"{type(model).__name__}: its {type(layer).__name__} reads later steps too, which shortcuts the lag; "
            "a model that says so (`causal = False`) is skipped"
        )


def network_inputs(stream: Stream, steps: Any = None) -> Any:
    """What of a stream a network reads, in the order of its inputs; alone, if it is one. `steps`: if in a buffer."""
    parts = [stream.parts[name] for name in _INPUTS if name in stream.parts]
    parts += [] if steps is None else [steps]
    return parts[0] if len(parts) == 1 else parts


def answers(network: keras.Model, stream: Stream) -> np.ndarray:
    """What a network answers to a stream that is in no buffer: (batch, R, outputs)."""
    in_buffer = any(one.name == STEPS for one in network.inputs)
    steps = np.array([stream.steps], np.int32) if in_buffer else None
    return np.asarray(network(network_inputs(stream, steps)))


def takes_steps(model: Model) -> bool:
    """Whether the fast layers of a model take the number of steps, so that streams can come in buffers."""
    from rnnbench.layers import fast, has_fast_loop

    return has_fast_loop(fast(model.layer("trial")))


def first_layer_inputs(network: keras.Model, stream: Stream) -> Any:
    """What the lowest layer of a network that `build` made reads: (batch, time, width)."""
    from keras import ops

    parts = [] if stream.features is None else [ops.convert_to_tensor(stream.features)]
    if stream.tokens is not None:
        parts.append(network.get_layer("embedding")(stream.tokens))
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)


def model_layers(network: keras.Model) -> list[Any]:
    """The layers of the model in a network that `build` made, the lowest first."""
    return [layer for layer in network.layers if layer.name.startswith(_LAYER)]


def cells(network: keras.Model) -> list[Any]:
    """The cells of those that are recurrent."""
    return [layer.cell for layer in model_layers(network) if hasattr(layer, "cell")]
