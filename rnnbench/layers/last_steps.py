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
        first = steps[0] - self.count
        return last_steps(sequences, first + tf.range(self.count), tf.range(tf.shape(sequences)[1]) - first)

    def compute_output_shape(self, sequences_shape: tuple[Any, ...], steps_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (sequences_shape[0], self.count, sequences_shape[2])


@tf.custom_gradient
def last_steps(sequences: Any, read: Any, places: Any) -> Any:
    """The steps `read` of (batch, time, units). `places`, (time,), says where each step stands among them.

    TensorFlow's gradient of a slice pads it, and XLA would compile each amount of padding for itself.
    """

    def gradient(upstream: Any) -> Any:
        count = tf.shape(read)[0]
        spread = tf.gather(upstream, tf.clip_by_value(places, 0, count - 1), axis=1)
        is_read = (places >= 0) & (places < count)
        return tf.where(is_read[:, None], spread, tf.zeros_like(spread)), None, None

    return tf.gather(sequences, read, axis=1), gradient
