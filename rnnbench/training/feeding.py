"""Feeds the batches of a run to the compiled training function, which takes several steps a call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from rnnbench.experiment.settings import Training
from rnnbench.tasks.base import Task
from rnnbench.training.buffers import buffered
from rnnbench.training.traced import open_length

STEPS_PER_EXECUTION = 10
"""Most training steps in a call of the compiled function; a call adds 0.4 ms to them."""


def batches(
    task: Task, seed: int, training: Training, start: int, stop: int, buffer: int | None = None
) -> tf.data.Dataset:
    """The parts of the streams of steps `start` to `stop`, stacked in groups that one call trains on.

    `buffer`: length of the buffer that each stream comes in; None: in none.
    """
    together = steps_together(task, training, buffer)

    def parts_of(step: int) -> dict[str, np.ndarray]:
        stream = task.training_stream(seed, step, training.batch_size)
        return stream.parts if buffer is None else buffered(stream, buffer, task.reads == "every step")

    like = parts_of(start)

    def draw(first: int) -> list[np.ndarray]:
        drawn = [parts_of(step) for step in range(first, first + together)]
        return [np.stack([parts[name] for parts in drawn]) for name in like]

    # Not `from_generator`: on Python 3.11 it makes the C library return every large array to the system at once, for
    # the rest of the process, which costs a sixth of the training time.
    def together_from(first: tf.Tensor) -> Any:
        arrays = tf.numpy_function(draw, [first], [part.dtype for part in like.values()], stateful=False)
        for array, part in zip(arrays, like.values(), strict=True):
            # The length is left open, so that one trace serves all.
            array.set_shape((together, *open_length(part.shape)))
        return dict(zip(like, arrays, strict=True))

    options = tf.data.Options()
    # Every epoch waits for its thread at the end, which costs more than it gains on one core.
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    return tf.data.Dataset.range(start, stop, together).map(together_from).prefetch(1).with_options(options)


def steps_together(task: Task, training: Training, buffer: int | None) -> int:
    """Steps in a call: they divide the steps of every interval, so that one compiled function serves all.

    One, where each has a length of its own and there is no buffer.
    """
    if buffer is None and (task.training_lags, task.lead) != ("fixed", "none"):
        return 1
    common = math.gcd(training.steps, training.evaluate_every)
    return max(count for count in range(1, STEPS_PER_EXECUTION + 1) if common % count == 0)
