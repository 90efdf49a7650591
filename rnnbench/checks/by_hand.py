"""Cells set by hand, whose verdicts are known: a latch, a latch on the first step, and a delay line.

For copy-memory of one symbol: its inputs are one-hot, a blank first, then the symbols.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class Latch(keras.layers.Layer):
    """Takes a symbol up where there is one, and holds it; with `first`, takes up its very first input instead."""

    def __init__(self, alphabet: int, first: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alphabet, self.first = alphabet, first
        self.state_size = self.output_size = alphabet + 1

    def build(self, input_shape: Any) -> None:
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        held, begun = states[0][:, :-1], states[0][:, -1:]
        symbol = inputs[:, 1 : self.alphabet + 1]
        there = ops.ones_like(begun) - begun if self.first else ops.sum(symbol, axis=-1, keepdims=True)
        state = ops.concatenate([there * symbol + (1 - there) * held, ops.ones_like(begun)], axis=-1)
        return state, [state]


class DelayLine(keras.layers.Layer):
    """Answers with the symbol of `delay` steps ago."""

    def __init__(self, alphabet: int, delay: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alphabet = alphabet
        self.state_size, self.output_size = alphabet * (delay + 1), alphabet

    def build(self, input_shape: Any) -> None:
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        state = ops.concatenate([inputs[:, 1 : self.alphabet + 1], states[0][:, : -self.alphabet]], axis=-1)
        return state[:, -self.alphabet :], [state]
