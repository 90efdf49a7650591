"""Whether the states that the gradient probe taps are all that a network knows of the past.

If they are, the network continues from them as if it had read the whole sequence, whatever it has read in between.
If not (a second path through time, a variable that a cell writes, an answer that looks at all steps), some gradient
flows back past the tapped states, and the gradient profile misses it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnbench.layers.recurrent import FastLoop, stock_of
from rnnbench.training.network import recurrent_layers

_STOCK = (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU)
_STEPS, _EXAMPLES = 8, 4
_TOLERANCE = 1e-3
"""Relative to the answers' size; another order of float32 sums over `_STEPS` steps makes some 1e-6."""


def hold_the_past(network: keras.Model, inputs: np.ndarray) -> bool:
    """Whether the answers of `network`, made by `training.network.build`, need nothing of the past but its states.

    `inputs`: (batch, time, width) or (batch, time); of these a few examples are read, and of longer sequences only the
    first and last steps. The cells are stepped through the first half; then the network reads other examples; then the
    cells continue.
    """
    # Keras' own layers are known to, and a run should not pay for it.
    return all(map(_is_stock, recurrent_layers(network))) or discrepancy(network, inputs) <= _TOLERANCE


def discrepancy(network: keras.Model, inputs: np.ndarray) -> float:
    """The largest difference between the answers with and without the break, relative to answers and states."""
    chosen = _few(inputs)
    others, middle = np.roll(chosen, 1, axis=1), chosen.shape[1] // 2
    _last(network(others))
    whole = _last(network(chosen))
    states, _ = _stepped(network, chosen[:, :middle], None)
    _last(network(others))
    states, answer = _stepped(network, chosen[:, middle:], states)
    size = max(float(np.abs(part).max()) for part in (whole, *map(np.asarray, keras.tree.flatten(states))))
    found = float(np.abs(answer - whole).max()) / max(size, 1e-6)
    # Weights that are not finite say nothing.
    return found if np.isfinite(found) else 0.0


def _is_stock(layer: Any) -> bool:
    ours = FastLoop in type(layer).__mro__ and stock_of(type(layer)) in _STOCK
    return (ours or type(layer) in _STOCK) and not (layer.go_backwards or layer.stateful)


def _few(inputs: np.ndarray) -> np.ndarray:
    half = _STEPS // 2
    if inputs.shape[1] > _STEPS:
        inputs = np.concatenate([inputs[:, :half], inputs[:, -half:]], axis=1)
    return inputs[:_EXAMPLES]


def _stepped(network: keras.Model, inputs: np.ndarray, states: Any) -> tuple[list[Any], np.ndarray]:
    """Step every cell by hand from `states` (None: the initial ones); the states reached, and the answer."""
    layers = recurrent_layers(network)
    features = network.get_layer("embedding")(inputs) if inputs.ndim == 2 else ops.convert_to_tensor(inputs)
    if states is None:
        states = [keras.tree.flatten(layer.get_initial_state(batch_size=len(inputs))) for layer in layers]
    output = None
    for step in range(features.shape[1]):
        output = features[:, step]
        for index, layer in enumerate(layers):
            output, after = layer.cell(output, states[index])
            states[index] = keras.tree.flatten(after)
    return states, np.asarray(network.get_layer("head")(output))


def _last(answer: Any) -> np.ndarray:
    answer = np.asarray(answer)
    return answer[:, -1] if answer.ndim == 3 else answer
