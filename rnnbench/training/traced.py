"""TensorFlow functions that are traced once, for sequences of all lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf


def open_length(shape: Sequence[int]) -> list[int | None]:
    """`shape` of a batch, (batch, time, ...) or (batch,), with the time left open."""
    return [*shape[:1], *([None] * (len(shape) > 1)), *shape[2:]]


def for_every_length(function: Callable[..., Any], jit_compile: bool | None = None) -> Callable[..., Any]:
    """`tf.function` for functions of batches: one trace serves all lengths, not just that of the first call."""
    traced = tf.function(function, jit_compile=jit_compile, reduce_retracing=True, autograph=False)

    def call(*batches: np.ndarray) -> Any:
        tensors = [tf.constant(batch) for batch in batches]
        if not traced.experimental_get_tracing_count():
            traced.get_concrete_function(*(tf.TensorSpec(open_length(one.shape), one.dtype) for one in tensors))
        return traced(*tensors)

    return call
