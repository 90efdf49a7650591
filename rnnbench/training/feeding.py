"""Feeds the batches of a run to the compiled training function, which takes several steps a call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from rnnbench.experiment.settings import Training
from rnnbench.tasks.base import Batch, Task
from rnnbench.training.traced import open_length

STEPS_PER_EXECUTION = 10
"""Most training steps in a call of the compiled function; a call adds 0.4 ms to them."""


def batches(task: Task, seed: int, training: Training, start: int, stop: int) -> tf.data.Dataset:
    """The batches of steps `start` to `stop`, stacked in groups that one call trains on."""
    size, together = training.batch_size, steps_together(training)
    like = task.train_batch(seed, start, size)

    def draw(first: int) -> Batch:
        drawn = [task.train_batch(seed, step, size) for step in range(first, first + together)]
        return np.stack([inputs for inputs, _ in drawn]), np.stack([targets for _, targets in drawn])

    # Not `from_generator`: on Python 3.11 it makes the C library return every large array to the system at once, for
    # the rest of the process, which costs a sixth of the training time.
    def stacked(first: tf.Tensor) -> Any:
        arrays = tf.numpy_function(draw, [first], [array.dtype for array in like], stateful=False)
        for array, one in zip(arrays, like, strict=True):
            # The length is left open, so that one trace serves all.
            array.set_shape((together, *open_length(one.shape)))
        return arrays

    options = tf.data.Options()
    # Every epoch waits for its thread at the end, which costs more than it gains on one core.
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    return tf.data.Dataset.range(start, stop, together).map(stacked).prefetch(1).with_options(options)


def steps_together(training: Training) -> int:
    """Steps in a call: they divide the steps of every interval, so that one compiled function serves all."""
    common = math.gcd(training.steps, training.evaluate_every)
    return max(count for count in range(1, STEPS_PER_EXECUTION + 1) if common % count == 0)
