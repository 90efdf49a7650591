"""Whether the states that the gradient probe taps are all that a network knows of the past.

If they are, the network continues from them as if it had read the whole sequence, whatever it has read in between.
If not (a second path through time, a variable that a cell writes, an answer that looks at all steps), some gradient
flows back past the tapped states, and the gradient profile misses it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from rnnbench.layers.recurrent import FastLoop, stock_of
from rnnbench.tasks.stream import Stream
from rnnbench.training.network import answers, first_layer_inputs, model_layers

_STOCK = (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU)
_STEPS, _EXAMPLES = 8, 4
_TOLERANCE = 1e-3
"""Relative to the answers' size; another order of float32 sums over `_STEPS` steps makes some 1e-6."""


def hold_the_past(network: keras.Model, stream: Stream) -> bool:
    """Whether the answers of `network`, made by `training.network.build`, need nothing of the past but what is tapped.

    Of the stream a few examples are read, and of longer sequences only the first and last steps. The cells are stepped
    through the first half; then the network reads other examples; then the cells continue. A model without a state is
    tapped at its input, past which nothing goes.
    """
    # Keras' own layers are known to, and a run should not pay for it.
    layers = model_layers(network)
    no_states = not any(isinstance(layer, keras.layers.RNN) for layer in layers)
    return no_states or all(map(_is_stock, layers)) or discrepancy(network, stream) <= _TOLERANCE


def discrepancy(network: keras.Model, stream: Stream) -> float:
    """The largest difference between the answers with and without the break, relative to answers and states."""
    chosen = _few(stream)
    others, middle = _steps_of(chosen, lambda part: np.roll(part, 1, axis=1)), chosen.steps // 2
    _last(network, others)
    whole = _last(network, chosen)
    states, _ = _stepped(network, _steps_of(chosen, lambda part: part[:, :middle]), None)
    _last(network, others)
    states, answer = _stepped(network, _steps_of(chosen, lambda part: part[:, middle:]), states)
    size = max(float(np.abs(part).max()) for part in (whole, *map(np.asarray, keras.tree.flatten(states))))
    found = float(np.abs(answer - whole).max()) / max(size, 1e-6)
    # Weights that are not finite say nothing.
    return found if np.isfinite(found) else 0.0


def _is_stock(layer: Any) -> bool:
    ours = FastLoop in type(layer).__mro__ and stock_of(type(layer)) in _STOCK
    return (ours or type(layer) in _STOCK) and not (layer.go_backwards or layer.stateful)


def _few(stream: Stream) -> Stream:
    """A few examples, shortened, of which the last step is read."""
    half = _STEPS // 2

    def shortened(part: np.ndarray) -> np.ndarray:
        return np.concatenate([part[:, :half], part[:, -half:]], axis=1) if part.shape[1] > _STEPS else part

    return _steps_of(stream.rows(slice(_EXAMPLES)), shortened)


def _steps_of(stream: Stream, function: Callable[[np.ndarray], np.ndarray]) -> Stream:
    """`function` of features and tokens; the last step is read."""
    inputs = {name: function(part) for name, part in stream.parts.items() if name in ("features", "tokens")}
    new = Stream(stream.targets[:, :1], **inputs)
    read = None if stream.readout is None else np.full((stream.examples, 1), new.steps - 1, np.int32)
    return new._replace(readout=read)


def _stepped(network: keras.Model, stream: Stream, states: Any) -> tuple[list[Any], np.ndarray]:
    """Step every cell by hand from `states` (None: the initial ones); the states reached, and the answer."""
    layers = model_layers(network)
    features = first_layer_inputs(network, stream)
    if states is None:
        states = [keras.tree.flatten(layer.get_initial_state(batch_size=stream.examples)) for layer in layers]
    output = None
    for step in range(features.shape[1]):
        output = features[:, step]
        for index, layer in enumerate(layers):
            output, after = layer.cell(output, states[index])
            states[index] = keras.tree.flatten(after)
    return states, np.asarray(network.get_layer("head")(output))


def _last(network: keras.Model, stream: Stream) -> np.ndarray:
    return answers(network, stream)[:, -1]
