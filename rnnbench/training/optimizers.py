"""Optimisers, made from their settings, with a learning rate that runs of one program can each set anew."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from rnnbench.experiment.optimizers import parsed
from rnnbench.experiment.run_spec import CompileKey
from rnnbench.experiment.settings import ScheduleName


class Scheduled(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises to its peak over `warmup` steps, and then stays or falls to 0 at the end of `steps`.

    At step t, counted from 0: peak (t + 1) / warmup during the warmup; then, with p the share of the other steps that
    is done, the peak times 1 (`constant`), 1 - p (`linear`) or (1 + cos(pi p)) / 2 (`cosine`, Loshchilov & Hutter
    2017, section 3, without restarts).
    """

    def __init__(self, name: ScheduleName, warmup: int, steps: int, peak: float = 1.0) -> None:
        self.name, self.warmup, self.steps = name, warmup, steps
        self.peak = keras.Variable(peak, trainable=False, dtype="float32", name="peak_learning_rate")

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        done = (step - self.warmup) / (self.steps - self.warmup)
        factor = {
            "constant": lambda: ops.ones_like(done),
            "linear": lambda: 1 - done,
            "cosine": lambda: (1 + ops.cos(math.pi * done)) / 2,
        }[self.name]()
        if self.warmup:
            factor = ops.where(step < self.warmup, (step + 1) / self.warmup, factor)
        return self.peak * factor


def optimizer_for(key: CompileKey, learning_rate: float = 1e-3) -> keras.optimizers.Optimizer:
    """A fresh optimiser of a program, which has no state yet."""
    name, arguments = parsed(key.optimizer)
    rate = Scheduled(*key.schedule, peak=learning_rate) if key.schedule else learning_rate
    return (key.plugin_optimizer or optimizer_class(name))(learning_rate=rate, **arguments)


def optimizer_class(name: str) -> type[keras.optimizers.Optimizer]:
    """Keras' class of this name in small letters; `keras.optimizers.get` does not know all of them."""
    return next(
        one for one in vars(keras.optimizers).values() if isinstance(one, type) and one.__name__.lower() == name
    )


def set_learning_rate(optimizer: keras.optimizers.Optimizer, learning_rate: float) -> None:
    """Give an optimiser of `optimizer_for` the learning rate of a run; with a schedule, its peak."""
    schedule = optimizer._learning_rate
    if isinstance(schedule, Scheduled):
        schedule.peak.assign(learning_rate)
    else:
        optimizer.learning_rate = learning_rate
