"""TensorFlow functions that are traced once, for sequences of all lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def open_length(shape: Sequence[int]) -> list[int | None]:
    """`shape` of a batch, (batch, time, ...) or (batch,), with the time left open."""
    return [*shape[:1], *([None] * (len(shape) > 1)), *shape[2:]]


def for_every_length(function: Callable[..., Any], jit_compile: bool | None = None) -> Callable[..., Any]:
    """`tf.function` for functions of a batch: one trace serves all lengths, not just that of the first call.

    A batch is an array, or a structure of arrays, each with the time as its second axis.
    """
    traced = tf.function(function, jit_compile=jit_compile, reduce_retracing=True, autograph=False)

    def call(batch: Any) -> Any:
        tensors = tf.nest.map_structure(tf.constant, batch)
        if not traced.experimental_get_tracing_count():
            traced.get_concrete_function(
                tf.nest.map_structure(lambda one: tf.TensorSpec(open_length(one.shape), one.dtype), tensors)
            )
        return traced(tensors)

    return call
