"""Reads the end of sequences whose number of steps is data."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class LastSteps(keras.Layer):
    """The last `count` of the first `steps` steps: (batch, time, units) and (1,) int32 to (batch, count, units)."""

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, sequences: Any, steps: Any) -> Any:
        return tf.slice(sequences, [0, steps[0] - self.count, 0], [-1, self.count, -1])

    def compute_output_shape(self, sequences_shape: tuple[Any, ...], steps_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (sequences_shape[0], self.count, sequences_shape[2])
