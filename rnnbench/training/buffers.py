"""Buffers: streams of many lengths in arrays of few, so that few lengths are compiled.

XLA compiles each length of its inputs for itself. What follows the steps of a stream in its buffer is 0 and never read:
the number of steps is data.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from rnnbench.experiment.settings import Training
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream

STEPS = "steps"
"""Name, among the parts of a stream in a buffer, of its number of steps, (1,) int32."""
_PARTS = 4
"""Lengths of buffers in each octave."""
_WORTH_COMPILING = 300_000
"""Steps of a run times steps behind its streams, from which a buffer of its own is compiled. A step behind a stream
takes some ten microseconds, a compilation some seconds."""


_WORTH_TAKING = 4


def buffer_length(steps: int) -> int:
    """The shortest buffer that holds `steps` steps: ..., 64, 80, 96, 112, 128, 160, ...

    A step costs up to 3% more than without a buffer where this is at most 1.15 times as long.
    """
    octave = 1 << max(0, (steps - 1).bit_length() - 1)
    part = max(1, octave // _PARTS)
    return -(-steps // part) * part


def buffer_of(task: Task) -> int:
    """The buffer that holds all streams of training, validation and test at a task's lag."""
    return buffer_length(task.longest_stream)


def usable_buffer(task: Task, training: Training, compiled: Collection[int]) -> int:
    """The buffer for the streams of a run, given the lengths that its process has compiled: its own, or a longer one.

    A run of few steps takes a longer one that is there: it makes each step a little slower, and is sooner done. The
    bits are the same, as the layers' do not depend on the buffer. Where every step is read, those of the sums in the
    loss would: there it is the run's own.
    """
    own = buffer_of(task)
    longer = [length for length in compiled if length > own]
    if own in compiled or not longer or task.reads == "every step":
        return own
    return min(longer) if training.steps * (min(longer) - own) < _WORTH_COMPILING else own


def usable_for_tests(task: Task, longest: int, compiled: Collection[int]) -> int:
    """The buffer for tests whose longest stream has `longest` steps, given the lengths that are compiled.

    They are few, and forward only: a buffer up to `_WORTH_TAKING` times as long is taken where it is there.
    """
    own = buffer_length(longest)
    longer = [length for length in compiled if own < length <= _WORTH_TAKING * own]
    if own in compiled or not longer or task.reads == "every step":
        return own
    return min(longer)


def buffered(stream: Stream, length: int, every_step: bool) -> dict[str, np.ndarray]:
    """The parts of a stream in a buffer of `length` steps, and `STEPS`.

    `every_step`: whether the task reads every step; those of the buffer that are not the stream's have no weight.
    """
    steps, parts = stream.steps, dict(stream.parts)
    padded: list[str] = [name for name in ("features", "tokens") if name in parts]
    if every_step:
        parts.setdefault("weights", np.ones(stream.targets.shape[:2], np.float32))
        padded += [name for name in ("targets", "weights", "scored") if name in parts]
    for name in padded:
        after = [(0, 0), (0, length - steps), *[(0, 0)] * (parts[name].ndim - 2)]
        parts[name] = np.pad(parts[name], after)
    return parts | {STEPS: np.array([steps], np.int32)}
