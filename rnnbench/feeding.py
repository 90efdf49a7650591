"""The batches of a run on their way into the compiled training function, which takes several steps a call."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from rnnbench.experiment import Training
from rnnbench.tasks.base import Batch, Features, Task

STEPS_PER_EXECUTION = 10
"""Training steps a call of the compiled function, at most: a call costs 0.4 ms beside them."""


def batches(task: Task, seed: int, training: Training, start: int, stop: int) -> tf.data.Dataset:
    """The batches of the steps, as many stacked as a call trains on."""
    size, together = training.batch_size, steps_together(training)
    inputs, targets = task.train_batch(seed, start, size)
    width = [task.inputs.width] if isinstance(task.inputs, Features) else []
    signature = (
        tf.TensorSpec((together, size, None, *width), inputs.dtype),
        tf.TensorSpec((together, size, *[None] * (targets.ndim - 1)), targets.dtype),
    )

    def draw() -> Iterator[Batch]:
        for first in range(start, stop, together):
            batches = [task.train_batch(seed, step, size) for step in range(first, first + together)]
            yield np.stack([inputs for inputs, _ in batches]), np.stack([targets for _, targets in batches])

    options = tf.data.Options()
    # Its thread is waited for at the end of every epoch, which costs more than it gains on one core.
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    calls = tf.data.experimental.assert_cardinality((stop - start) // together)
    return (
        tf.data.Dataset.from_generator(draw, output_signature=signature).apply(calls).prefetch(1).with_options(options)
    )


def steps_together(training: Training) -> int:
    """Steps of a call: a number that divides those of every interval, so that one compiled function does for all."""
    common = math.gcd(training.steps, training.evaluate_every)
    return max(count for count in range(1, STEPS_PER_EXECUTION + 1) if common % count == 0)
